package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// nearest is the name that was probably meant, "" if none is near.
func nearest(given string, names []string) string {
	best, distance := "", len(given)/2+1
	for _, name := range names {
		d := levenshtein.Distance(given, name, nil)
		if strings.EqualFold(given, name) {
			d = 0
		}
		if d < distance {
			best, distance = name, d
		}
	}
	return best
}

// instead says what would be right in the place of given.
func instead(given string, names []string) string {
	if name := nearest(given, names); name != "" {
		return fmt.Sprintf("Did you mean %q?", name)
	}
	if len(names) == 0 {
		return ""
	}
	return "Known: " + list(names) + "."
}

func list(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " and " + quoted[len(quoted)-1]
}
