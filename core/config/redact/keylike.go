package redact

import "strings"

// keyPrefixes are prefixes of keys that nothing else has. The prefixes in rarerKeyPrefixes are also common in names,
// such as those of models.
var keyPrefixes = []string{"sk-", "sk_", "gsk_", "csk-", "AIza"}

var rarerKeyPrefixes = []string{"rk-", "rk_", "pk-", "pk_", "xai-", "fw_", "fw-", "hf_", "hf-", "tok-", "tok_", "ak-", "ak_", "r8_", "pplx-", "nvapi-", "github_pat_", "ghp_"}

// LooksLikeKey reports whether a text has the form of a key.
func LooksLikeKey(s string) bool { return keyRun(s) == len(s) && isKey(s) }

// KeyLike hides everything that looks like a key in a text, such as one that was typed into the wrong
// field. The text keeps its length.
func KeyLike(text string) string {
	var out strings.Builder
	rest := text
	for rest != "" {
		n := keyRun(rest)
		if n > 0 && isKey(rest[:n]) {
			out.WriteString(text[out.Len() : len(text)-len(rest)])
			out.WriteString(rest[:3] + strings.Repeat("*", n-7) + rest[n-4:n])
		}
		rest = rest[max(n, 1):]
	}
	if out.Len() == 0 {
		return text
	}
	return out.String() + text[out.Len():]
}

// keyRun returns how many bytes at the beginning can be part of a key.
func keyRun(s string) int {
	for i := range len(s) {
		if c := s[i]; c != '-' && c != '_' && !isLetter(c) && !isDigit(c) {
			return i
		}
	}
	return len(s)
}

const (
	shortestLikely = 18
	shortestRandom = 16 // characters in a row without - and _
)

// isKey reports whether a word is a key, by its prefix, its length and its digits.
func isKey(s string) bool {
	if len(s) < shortestLikely || !strings.ContainsAny(s, "0123456789") {
		return false
	}
	for _, p := range keyPrefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	for _, p := range rarerKeyPrefixes {
		if rest, ok := strings.CutPrefix(s, p); ok {
			return hasRandom(rest)
		}
	}
	return false
}

// hasRandom reports whether a part of a word is long and has digits.
func hasRandom(s string) bool {
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '-' || r == '_' }) {
		if len(part) >= shortestRandom && strings.ContainsAny(part, "0123456789") {
			return true
		}
	}
	return false
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
