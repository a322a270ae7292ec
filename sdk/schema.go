package sdk

import "encoding/json"

// Schema describes the settings of a component. It is derived from [Factory].Settings.
type Schema struct {
	Attributes []Attribute `json:"attributes,omitempty"`
	Blocks     []Block     `json:"blocks,omitempty"`
}

// Attribute is one setting.
type Attribute struct {
	Name      string          `json:"name"`
	Type      json.RawMessage `json:"type"`             // a cty type in its JSON form: "string", "number", "bool", ["list","string"], ["map","number"]
	Format    Format          `json:"format,omitempty"` // how a string is interpreted
	Required  bool            `json:"required,omitempty"`
	Default   json.RawMessage `json:"default,omitempty"`
	Enum      []string        `json:"enum,omitempty"` // the only values of a string
	Sensitive bool            `json:"sensitive,omitempty"`
	Doc       string          `json:"doc,omitempty"`
}

// Format is the format of a string. The host checks it before the plugin gets the value.
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
	Labelled bool    `json:"labelled,omitempty"` // each has a label, unique among the blocks of this name
	Repeated bool    `json:"repeated,omitempty"` // there may be several
	Required bool    `json:"required,omitempty"`
	Schema   *Schema `json:"schema"`
}
