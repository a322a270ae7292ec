package redact

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Values are secrets that nothing may show: those of env, file and sensitive
// variables.
type Values struct{ values map[string]bool }

// shortest is the length from which a value is hidden wherever it appears.
// Shorter ones would take half the text with them, and do not reach messages:
// these quote no value that is known to be secret.
const shortest = 6

// Add makes a value a secret.
func (v *Values) Add(value string) {
	if len(value) < shortest {
		return
	}
	if v.values == nil {
		v.values = map[string]bool{}
	}
	v.values[value] = true
}

// Hide replaces the secrets in a text by stars.
func (v *Values) Hide(text string) string {
	if v == nil {
		return text
	}
	// The longest first: one that contains another goes as a whole.
	for _, value := range slices.SortedFunc(maps.Keys(v.values), func(a, b string) int { return cmp.Compare(len(b), len(a)) }) {
		text = strings.ReplaceAll(text, value, "***")
	}
	return text
}
