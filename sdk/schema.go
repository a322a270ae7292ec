package sdk

import "encoding/json"

// Schema describes the block that configures a component. It is derived from
// the struct a component decodes its [Config] into; see [Serve].
type Schema struct {
	Attributes []Attribute `json:"attributes,omitempty"`
	Blocks     []Block     `json:"blocks,omitempty"`
}

// Attribute is one setting.
type Attribute struct {
	Name      string          `json:"name"`
	Type      json.RawMessage `json:"type"`             // a cty type in its JSON form: "string", "number", "bool", ["list","string"], ["map","number"]
	Format    Format          `json:"format,omitempty"` // how a string is to be read
	Required  bool            `json:"required,omitempty"`
	Default   json.RawMessage `json:"default,omitempty"`
	Enum      []string        `json:"enum,omitempty"` // the only values of a string
	Sensitive bool            `json:"sensitive,omitempty"`
	Doc       string          `json:"doc,omitempty"`
}

// Format is a string's inner form. The host checks it before the plugin sees it.
type Format string

// The formats.
const (
	FormatDuration Format = "duration" // "1m30s"
	FormatSize     Format = "size"     // "64MiB"
)

// Block is a nested block.
type Block struct {
	Name     string  `json:"name"`
	Doc      string  `json:"doc,omitempty"`
	Labelled bool    `json:"labelled,omitempty"` // carries one label, unique among its siblings
	Repeated bool    `json:"repeated,omitempty"` // may stand more than once
	Required bool    `json:"required,omitempty"`
	Schema   *Schema `json:"schema"`
}
