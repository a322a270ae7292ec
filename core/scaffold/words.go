package scaffold

import (
	"fmt"
	"strings"
)

// Noun returns the kind in a sentence.
func (p Plugin) Noun() string {
	if p.Kind == "router" {
		return "strategy that routes each request"
	}
	return strings.ReplaceAll(p.Kind, "-", " ")
}

// File returns the name, without its ending, of the file with the component.
func (p Plugin) File() string { return strings.ReplaceAll(p.Kind, "-", "") }

// Example is HCL that uses the component.
func (p Plugin) Example() string {
	if p.Kind == "strategy" || p.Kind == "router" {
		return fmt.Sprintf("route \"/**\" {\n  channels = [channel.primary, channel.backup]\n\n  strategy %q {}\n}\n", p.Name)
	}
	return fmt.Sprintf("channel \"primary\" {\n  target = \"https://api-site.example\"\n  keys   = [env(\"KEY_1\"), env(\"KEY_2\")]\n\n  %s %q {}\n}\n", p.Block(), p.Name)
}
