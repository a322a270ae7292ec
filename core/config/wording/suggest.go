// Package wording has common parts of messages, such as suggestions for misspelled names.
package wording

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the name that was probably meant, "" if none is similar.
func Nearest(given string, names []string) string {
	best, distance := "", len(given)/2+1
	for _, name := range names {
		if d := Distance(given, name); d < distance {
			best, distance = name, d
		}
	}
	return best
}

// Distance returns how many letters must be changed, added, left out, or exchanged with the
// next one, to write name in place of given. Upper and lower case is the same.
func Distance(given, name string) int {
	given, name = strings.ToLower(given), strings.ToLower(name)
	least := levenshtein.Distance(given, name, nil)
	for i := 1; i < len(given); i++ {
		swapped := given[:i-1] + given[i:i+1] + given[i-1:i] + given[i+1:]
		least = min(least, 1+levenshtein.Distance(swapped, name, nil))
	}
	return least
}

// Near returns the names that were probably meant: those that contain what was given,
// else the nearest one.
func Near(given string, names []string) (near []string) {
	for _, name := range names {
		if given != "" && strings.Contains(strings.ToLower(name), strings.ToLower(given)) {
			near = append(near, name)
		}
	}
	if name := Nearest(given, names); len(near) == 0 && name != "" {
		near = []string{name}
	}
	return near
}

// NearestRef is Nearest for names of components, which are PLUGIN/COMPONENT for those of plugins: a
// name without a plugin is compared with the components' own names, and one of a known plugin only
// with the components of that plugin. A component with the name of its plugin may be written as
// that name only.
func NearestRef(given string, known ...[]string) string {
	refs := slices.Concat(known...)
	plugin, component, qualified := strings.Cut(given, "/")
	if !qualified {
		return nearestComponent(given, refs)
	}
	own := slices.DeleteFunc(slices.Clone(refs), func(ref string) bool { return ref != plugin && !strings.HasPrefix(ref, plugin+"/") })
	if len(own) > 0 {
		return nearestComponent(component, own)
	}
	var full []string
	for _, ref := range refs {
		if !strings.Contains(ref, "/") {
			ref += "/" + ref
		}
		full = append(full, ref)
	}
	if near := Nearest(given, full); near != "" {
		return refs[slices.Index(full, near)]
	}
	return ""
}

// IsTypo reports whether a name of a component is probably a misspelled ref, and not the name
// of something else. A name without a plugin is compared with the component's own.
func IsTypo(given, ref string) bool {
	if _, component, qualified := strings.Cut(ref, "/"); qualified && !strings.Contains(given, "/") {
		ref = component
	}
	return Distance(given, ref) <= max(2, len(given)/4)
}

// nearestComponent compares name with the names of components, without their plugins.
func nearestComponent(name string, refs []string) string {
	var names []string
	for _, ref := range refs {
		_, component, ok := strings.Cut(ref, "/")
		if !ok {
			component = ref
		}
		names = append(names, component)
	}
	near := Nearest(name, names)
	if near == "" {
		return ""
	}
	return refs[slices.Index(names, near)]
}

// Instead returns a suggestion for what to write instead of given.
func Instead(given string, names []string) string {
	if name := Nearest(given, names); name != "" {
		return fmt.Sprintf("Did you mean %q?", name)
	}
	return Known(names)
}

// Known returns a sentence with the known names.
func Known(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "Known: " + List(names) + "."
}

// List writes names in quotes, with commas.
func List(names []string) string {
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

// Sentence begins s with a capital and ends it with a full stop.
func Sentence(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "!") {
		return s
	}
	return s + "."
}

// DidYouMean asks whether the nearest of the words was meant; "" if none is near.
func DidYouMean(given string, words []string) string {
	if name := Nearest(given, words); name != "" {
		return fmt.Sprintf("Did you mean %q?", name)
	}
	return ""
}
