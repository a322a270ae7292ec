package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/block"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Example returns a configuration with every setting, or one block of it with its
// name. It is config.hcl.example, and valid as it is.
func Example(name string) (string, error) {
	var b strings.Builder
	if name == "" {
		b.WriteString(exampleHead)
	} else if !slices.Contains(BlockNames(), name) {
		if in := blockWith(name); in != "" {
			return "", fmt.Errorf("%q is part of the block %q: name that one", name, in)
		}
		return "", fmt.Errorf("there is no block %q. %s", name, wording.Instead(name, BlockNames()))
	}
	for _, d := range declarations() {
		if name != "" && name != d.Name {
			continue
		}
		lines := append(block.Comment(d.Doc), reference.Example(d)...)
		if name == "" && isOptionalInExample(d.Name) {
			lines = block.Commented(lines)
		}
		b.WriteString(strings.Join(lines, "\n") + "\n\n")
		if name == "" && d.Name == "channel" {
			b.WriteString(backupChannel)
		}
	}
	if name == "" {
		b.WriteString(strings.Join(reference.ExampleSettings(defaults("")), "\n") + "\n")
	}
	return strings.TrimRight(string(hclwrite.Format([]byte(b.String()))), "\n") + "\n", nil
}

// blockWith returns the name of the block whose example has the block in it, or "".
func blockWith(name string) string {
	for _, d := range declarations() {
		for _, line := range reference.Example(d)[1:] {
			if line = strings.TrimLeft(line, "# "); strings.HasPrefix(line, name+" {") || strings.HasPrefix(line, name+" \"") {
				return d.Name
			}
		}
	}
	return ""
}

const exampleHead = `# Every setting, with its default or an example. Copy this file to aitunnel.hcl,
# keep what you need, and run: aitunnel validate && aitunnel start -f
#
# Keys are best taken from the environment, or from a file that only you can
# read. aitunnel config example BLOCK prints one block.

`

const backupChannel = `# A second channel, used when the first is unavailable.
channel "backup" {
  target   = "https://backup-api.example"
  fallback = true

  key "team" {
    value  = env("KEY_TEAM", "put-your-key-here")
    weight = 3
  }
}

`

// isOptionalInExample reports whether a block is shown in a comment, since it needs machines
// or programs that do not exist.
func isOptionalInExample(name string) bool {
	return slices.Contains([]string{"client", "notify", "egress", "tunnel", "plugin", "verdict", "variable", "locals"}, name)
}
