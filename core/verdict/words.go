package verdict

import (
	"net/http"
	"strings"
	"sync"
	"unicode"
)

// vocabulary has the words that occur in the rules and in the answers of the corpus.
// Other words from sites are never shown.
var vocabulary = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	const longest = 24 // of a word; longer ones may be secrets
	add := func(text string, numbers bool) {
		for _, w := range splitWords(text) {
			if len(w) <= longest && (numbers || strings.ContainsFunc(w, unicode.IsLetter)) {
				words[strings.ToLower(w)] = true
			}
		}
	}
	add(string(builtinSource), true) // statuses and codes
	for _, c := range Corpus() {
		add(c.Wire, false)
		add(c.Request.Model+" "+c.Request.Path+" "+c.Request.Dialect+" "+c.Request.Method, false)
	}
	return words
})

// knownHeaders are the headers that occur in the rules and in the corpus.
var knownHeaders = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, r := range builtin().all {
		for _, h := range r.headers {
			names[http.CanonicalHeaderKey(h.name)] = true
		}
	}
	for _, c := range Corpus() {
		if a, err := c.Answer(); err == nil {
			for name := range a.Header {
				names[http.CanonicalHeaderKey(name)] = true
			}
		}
	}
	return names
})

const hidden = "…"

// anonymize replaces each word that neither the rules nor the corpus contain.
func anonymize(text string) string {
	words := vocabulary()
	var b strings.Builder
	for len(text) > 0 {
		n := wordEnd(text)
		if n == 0 {
			n = gapEnd(text)
			b.WriteString(text[:n])
		} else if w := text[:n]; words[strings.ToLower(w)] {
			b.WriteString(w)
		} else if !strings.HasSuffix(b.String(), hidden) {
			b.WriteString(hidden)
		}
		text = text[n:]
	}
	return b.String()
}

// wordEnd returns the length of the word at the beginning of text: letters and
// digits; in scripts without spaces, each character is one.
func wordEnd(text string) int {
	for i, r := range text {
		switch {
		case !isWordRune(r):
			return i
		case unicode.Is(unicode.Han, r):
			if i > 0 {
				return i
			}
			return len(string(r))
		}
	}
	return len(text)
}

func gapEnd(text string) int {
	for i, r := range text {
		if isWordRune(r) {
			return i
		}
	}
	return len(text)
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

func splitWords(text string) []string {
	var words []string
	for len(text) > 0 {
		if n := wordEnd(text); n > 0 {
			words = append(words, text[:n])
			text = text[n:]
			continue
		}
		text = text[gapEnd(text):]
	}
	return words
}
