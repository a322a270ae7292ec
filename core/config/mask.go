package config

import (
	"bytes"
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// secrets are the values that no message may show: those of env, file and
// sensitive variables.
type secrets struct{ values map[string]bool }

// shortest is the length from which a value is worth hiding wherever it
// appears. Shorter ones would take half the text with them, and do not reach
// messages: these quote no marked value.
const shortest = 6

func (s *secrets) add(value string) {
	if len(value) < shortest {
		return
	}
	if s.values == nil {
		s.values = map[string]bool{}
	}
	s.values[value] = true
}

func (s *secrets) hide(text string) string {
	if s == nil {
		return text
	}
	// The longest first: one that holds another goes as a whole.
	for _, v := range slices.SortedFunc(maps.Keys(s.values), func(a, b string) int { return cmp.Compare(len(b), len(a)) }) {
		text = strings.ReplaceAll(text, v, "***")
	}
	return text
}

// source is a configuration file's text with the places that hold secrets.
type source struct {
	name   string
	text   []byte
	old    bool        // it is YAML
	texts  []hcl.Range // of YAML: where values stand
	broken bool        // it did not parse: anything may be a secret
	secret []hcl.Range // of expressions that are secret
	doubt  []hcl.Range // of what has no meaning, and may have been meant to be secret
	hidden []byte      // the masked text, once it was made
}

// masked is the text with literal secrets starred out, of the same length.
func (s *source) masked() []byte {
	if s.hidden != nil {
		return s.hidden
	}
	s.hidden = bytes.Clone(s.text)
	if s.old {
		s.maskOld()
		return s.hidden
	}
	tokens, _ := hclsyntax.LexConfig(s.text, s.name, hcl.InitialPos)
	for i, t := range tokens {
		if s.hides(tokens, i) {
			s.star(t.Range.Start.Byte, t.Range.End.Byte)
		}
	}
	return s.hidden
}

// maskOld is masked for YAML: names stay, values in secret places do not. In a
// text that does not parse every longer word may be one.
func (s *source) maskOld() {
	for _, r := range s.texts {
		word := s.text[r.Start.Byte:r.End.Byte]
		if s.inSecret(r) || len(word) >= shortestKey && within(s.doubt, r) || bytes.Contains(word, []byte("://")) && bytes.Contains(word, []byte("@")) {
			s.star(r.Start.Byte, r.End.Byte)
		}
	}
	if !s.broken {
		return
	}
	for _, w := range words.FindAllIndex(s.text, -1) {
		if word := string(s.text[w[0]:w[1]]); looksSecret(word) || len(word) > 20 {
			s.star(w[0], w[1])
		}
	}
}

var words = regexp.MustCompile(`[^\s:,\[\]{}"']+`)

func (s *source) star(from, to int) {
	for j := from; j < to; j++ {
		if s.hidden[j] != '\n' {
			s.hidden[j] = '*'
		}
	}
}

func (s *source) hides(tokens hclsyntax.Tokens, i int) bool {
	t := tokens[i]
	word := string(t.Bytes)
	switch t.Type {
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
		return strings.Contains(word, "://") && strings.Contains(word, "@") || strings.Contains(word, "key=") ||
			(s.inSecret(t.Range) || len(word) >= shortestKey && within(s.doubt, t.Range)) && !isArgument(tokens, i) || s.broken && looksSecret(word)
	case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit:
		if s.inSecret(t.Range) {
			return !isName(tokens, i)
		}
		return s.broken && looksSecret(word)
	case hclsyntax.TokenComment:
		return s.broken && looksSecret(word)
	}
	return s.broken && len(word) > 12
}

func (s *source) inSecret(r hcl.Range) bool { return within(s.secret, r) }

// within says that r is a part of one of the ranges.
func within(ranges []hcl.Range, r hcl.Range) bool {
	return slices.ContainsFunc(ranges, func(whole hcl.Range) bool {
		return whole.Start.Byte <= r.Start.Byte && r.End.Byte <= whole.End.Byte
	})
}

// isArgument says that a quoted word is what a function is called with, as in
// env("KEY"), and not a key that stands there by mistake.
func isArgument(tokens hclsyntax.Tokens, i int) bool {
	if i >= 3 && string(tokens[i-3].Bytes) == "env" && !isEnvName(string(tokens[i].Bytes)) {
		return false
	}
	return i >= 3 && tokens[i-1].Type == hclsyntax.TokenOQuote && tokens[i-2].Type == hclsyntax.TokenOParen && tokens[i-3].Type == hclsyntax.TokenIdent &&
		slices.Contains([]string{"env", "file"}, string(tokens[i-3].Bytes))
}

// isName says that a word names something rather than being a secret that
// lacks its quotes.
func isName(tokens hclsyntax.Tokens, i int) bool {
	word := string(tokens[i].Bytes)
	if i+1 < len(tokens) && tokens[i+1].Type == hclsyntax.TokenOParen || i > 0 && tokens[i-1].Type == hclsyntax.TokenDot {
		return true
	}
	return slices.Contains([]string{"var", "local", "channel", "true", "false", "null", "for", "in", "if"}, word)
}

// quotesSecret says that a message shows, in quotes, what may be a secret.
func quotesSecret(message string) bool {
	for i, part := range strings.Split(message, "\"") {
		if i%2 == 1 && looksSecret(part) {
			return true
		}
	}
	return false
}

// shortestKey is the length from which a text of no known meaning may be a
// secret.
const shortestKey = 8

// looksSecret is a guess, for text that cannot be parsed: not short, with
// digits.
func looksSecret(word string) bool {
	return len(word) >= shortestKey && strings.ContainsAny(word, "0123456789")
}
