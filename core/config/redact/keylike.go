package redact

import (
	"regexp"
	"strings"
	"sync"
)

// keyLike matches keys of well-known sites: a prefix, and many characters with digits among them.
var keyLike = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:sk|rk|pk|gsk|xai|csk|fw|hf|tok|AIza|ak)[-_A-Za-z0-9]{14,}`)
})

// LooksLikeKey reports whether a text has the form of a key.
func LooksLikeKey(s string) bool {
	at := keyLike().FindStringIndex(s)
	return at != nil && at[0] == 0 && at[1] == len(s) && isKey(s)
}

func isKey(s string) bool { return len(s) >= 18 && strings.ContainsAny(s, "0123456789") }

// KeyLike hides everything that looks like a key in a text, such as one that was typed into the wrong
// field. The text keeps its length.
func KeyLike(text string) string {
	return keyLike().ReplaceAllStringFunc(text, func(s string) string {
		if !isKey(s) {
			return s
		}
		return s[:3] + strings.Repeat("*", len(s)-7) + s[len(s)-4:]
	})
}
