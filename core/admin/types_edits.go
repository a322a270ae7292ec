package admin

import (
	"time"

	"github.com/aitunnel/aitunnel/core/config/diff"
	"github.com/aitunnel/aitunnel/core/verdict/unknown"
)

// PastEdit is an edit of the configuration through this API that can be undone.
type PastEdit struct {
	At time.Time `json:"at"`
	ReloadCause
	Changes []diff.Change `json:"changes"` // what it changed
}

// UnknownAnswer is an answer of a site that no rule recognizes.
type UnknownAnswer struct {
	unknown.Entry
	Text  string `json:"text"`  // safe to share: only known words are left
	Full  string `json:"full"`  // unchanged
	Draft string `json:"draft"` // a verdict block to complete
}

// Setting is a setting of a component, as its plugin declares it.
type Setting struct {
	Name      string   `json:"name"`
	Type      any      `json:"type"` // "string", "number", "bool", ["list","string"] and so on
	Required  bool     `json:"required,omitempty"`
	Default   any      `json:"default,omitempty"`
	Enum      []string `json:"enum,omitempty"` // the only values
	Sensitive bool     `json:"sensitive,omitempty"`
	Doc       string   `json:"doc,omitempty"`
}
