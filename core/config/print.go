package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// A component's body may have settings that its plugin declares to be sensitive. So every way
// of printing a component leaves it out.

// String names the component.
func (c Component) String() string { return fmt.Sprintf("%s %q", c.Kind, c.Ref) }

// Format prints the name for every verb.
func (c Component) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// MarshalJSON returns what identifies the component.
func (c Component) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"kind": string(c.Kind), "ref": c.Ref, "plugin": c.Plugin, "name": c.Name})
}

// LogValue returns the name.
func (c Component) LogValue() slog.Value { return slog.StringValue(c.String()) }
