package sdktest

import (
	"encoding/json"
	"slices"

	"github.com/aitunnel/aitunnel/sdk"
)

// variation is a way to set one attribute.
type variation struct {
	settings Settings
	path     []string
}

// wrong sets each attribute, also those of blocks, to a value of another type.
func wrong(s *sdk.Schema) []variation {
	return vary(s, func(a sdk.Attribute) []any {
		switch {
		case len(a.Enum) > 0:
			return []any{"no such word"}
		case a.Format == sdk.FormatDuration:
			return []any{"soon", 5}
		case a.Format == sdk.FormatSize:
			return []any{"plenty", 5}
		case kindOfType(a) == "map":
			return []any{7}
		}
		return []any{map[string]any{"wrong": true}}
	})
}

// variations sets each attribute to unusual values of its type.
func (k *kit) variations(s *sdk.Schema) []variation {
	return vary(s, func(a sdk.Attribute) []any {
		switch {
		case len(a.Enum) > 0:
			var all []any
			for _, word := range a.Enum {
				all = append(all, word)
			}
			return all
		case a.Format == sdk.FormatDuration:
			return []any{"0s", "-1s", "1ns", "90s", "8760h"}
		case a.Format == sdk.FormatSize:
			return []any{"0B", "1B", "1TiB"}
		}
		switch kindOfType(a) {
		case "number":
			return []any{0, -1, 1, 0.3, 1e9, 1e308}
		case "bool":
			return []any{true, false}
		case "list":
			return []any{[]any{}, oddItems(a)}
		case "map":
			return []any{map[string]any{}}
		}
		return []any{"", " ", "x", "\u202e\x00", "https://site.example/a?b=%c3"}
	})
}

// oddItems returns lists with unusual items.
func oddItems(a sdk.Attribute) []any {
	var t []any
	if json.Unmarshal(a.Type, &t) == nil && len(t) == 2 && t[1] == "number" {
		return []any{0, -1}
	}
	if len(t) == 2 && t[1] == "string" {
		return []any{"", "x"}
	}
	return []any{}
}

// kindOfType returns a type's name, for collections without their item type.
func kindOfType(a sdk.Attribute) string {
	var name string
	var pair []any
	if json.Unmarshal(a.Type, &name) != nil && json.Unmarshal(a.Type, &pair) == nil && len(pair) > 0 {
		name, _ = pair[0].(string)
	}
	return name
}

// vary returns settings that each set one attribute to one of its values.
func vary(s *sdk.Schema, values func(sdk.Attribute) []any) (all []variation) {
	for _, a := range s.Attributes {
		for _, value := range values(a) {
			all = append(all, variation{Settings{a.Name: value}, []string{a.Name}})
		}
	}
	for _, b := range s.Blocks {
		for _, inner := range vary(b.Schema, values) {
			path := []string{b.Name}
			content := any(inner.settings)
			switch {
			case b.Labelled:
				content = map[string]any{"kit": content}
				path = append(path, "kit")
			case b.Repeated:
				content = []any{content}
			}
			all = append(all, variation{Settings{b.Name: content}, slices.Concat(path, inner.path)})
		}
	}
	return all
}
