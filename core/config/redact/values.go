package redact

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Values are the secret values of env, file and sensitive variables.
type Values struct{ values map[string]bool }

// shortest is the minimum length of a value that is hidden wherever it appears: hiding shorter ones would hide too
// much other text. Messages do not quote secret values of any length.
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
	// The longest first, since one may contain another.
	for _, value := range slices.SortedFunc(maps.Keys(v.values), func(a, b string) int { return cmp.Compare(len(b), len(a)) }) {
		text = strings.ReplaceAll(text, value, "***")
	}
	return text
}
