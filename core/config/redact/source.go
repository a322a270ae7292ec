package redact

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Source is the text of a file with the places of its secrets.
type Source struct {
	Name    string
	Text    []byte
	YAML    bool
	Scalars []hcl.Range // the places of values, in YAML
	Broken  bool        // it does not parse, so anything may be a secret

	secret  []hcl.Range // of expressions that are secret
	unknown []hcl.Range // of unknown parts, which may be secrets
	hidden  []byte      // the masked text, once it has been computed
}

// AddSecret marks the literals of a range as secret.
func (s *Source) AddSecret(at hcl.Range) {
	s.secret = append(s.secret, at)
	s.hidden = nil
}

// AddUnknown marks the literals of a range as possible secrets.
func (s *Source) AddUnknown(at hcl.Range) {
	s.unknown = append(s.unknown, at)
	s.hidden = nil
}

// Masked returns the text with stars instead of literal secrets, with the same length.
func (s *Source) Masked() []byte {
	if s.hidden != nil {
		return s.hidden
	}
	s.hidden = bytes.Clone(s.Text)
	if s.YAML {
		s.maskYAML()
		return s.hidden
	}
	tokens, _ := hclsyntax.LexConfig(s.Text, s.Name, hcl.InitialPos)
	for i, t := range tokens {
		if s.hides(tokens, i) {
			s.star(t.Range.Start.Byte, t.Range.End.Byte)
		}
	}
	return s.hidden
}

// maskYAML is Masked for YAML: it masks values in secret places, but not names. In a text that does not parse, every
// long word may be a secret.
func (s *Source) maskYAML() {
	for _, r := range s.Scalars {
		word := s.Text[r.Start.Byte:r.End.Byte]
		if s.IsSecret(r) || len(word) >= shortestKey && within(s.unknown, r) || bytes.Contains(word, []byte("://")) && bytes.Contains(word, []byte("@")) {
			s.star(r.Start.Byte, r.End.Byte)
		}
	}
	if !s.Broken {
		return
	}
	for _, w := range words().FindAllIndex(s.Text, -1) {
		if word := string(s.Text[w[0]:w[1]]); LooksSecret(word) || len(word) > 20 {
			s.star(w[0], w[1])
		}
	}
}

var words = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^\s:,\[\]{}"']+`) })

func (s *Source) star(from, to int) {
	for j := from; j < to; j++ {
		if s.hidden[j] != '\n' {
			s.hidden[j] = '*'
		}
	}
}

func (s *Source) hides(tokens hclsyntax.Tokens, i int) bool {
	t := tokens[i]
	word := string(t.Bytes)
	switch t.Type {
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
		return strings.Contains(word, "://") && strings.Contains(word, "@") || strings.Contains(word, "key=") ||
			(s.IsSecret(t.Range) || len(word) >= shortestKey && within(s.unknown, t.Range)) && !isArgument(tokens, i) || s.Broken && LooksSecret(word)
	case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit:
		if s.IsSecret(t.Range) {
			return !isName(tokens, i)
		}
		return s.Broken && LooksSecret(word)
	case hclsyntax.TokenComment:
		return s.Broken && LooksSecret(word)
	}
	return s.Broken && len(word) > 12
}

// IsSecret reports whether a range is part of a secret expression.
func (s *Source) IsSecret(r hcl.Range) bool { return within(s.secret, r) }

// within reports whether r is a part of one of the ranges.
func within(ranges []hcl.Range, r hcl.Range) bool {
	return slices.ContainsFunc(ranges, func(whole hcl.Range) bool {
		return whole.Start.Byte <= r.Start.Byte && r.End.Byte <= whole.End.Byte
	})
}

// isArgument reports whether a quoted word is the argument of a function, as in env("KEY"), and not a
// key in the wrong place.
func isArgument(tokens hclsyntax.Tokens, i int) bool {
	if i >= 3 && string(tokens[i-3].Bytes) == "env" && !IsEnvName(string(tokens[i].Bytes)) {
		return false
	}
	return i >= 3 && tokens[i-1].Type == hclsyntax.TokenOQuote && tokens[i-2].Type == hclsyntax.TokenOParen && tokens[i-3].Type == hclsyntax.TokenIdent &&
		slices.Contains([]string{"env", "file"}, string(tokens[i-3].Bytes))
}

// isName reports whether a word is a name, not a secret without quotes.
func isName(tokens hclsyntax.Tokens, i int) bool {
	word := string(tokens[i].Bytes)
	if i+1 < len(tokens) && tokens[i+1].Type == hclsyntax.TokenOParen || i > 0 && tokens[i-1].Type == hclsyntax.TokenDot {
		return true
	}
	return slices.Contains([]string{"var", "local", "channel", "true", "false", "null", "for", "in", "if"}, word)
}

// QuotesSecret reports whether a message contains a possible secret in quotes.
func QuotesSecret(message string) bool {
	for i, part := range strings.Split(message, "\"") {
		if i%2 == 1 && LooksSecret(part) {
			return true
		}
	}
	return false
}

// shortestKey is the minimum length of an unknown text that may be a secret.
const shortestKey = 8

// LooksSecret reports whether a word of a text that does not parse is probably a secret: it is not short, and has
// digits.
func LooksSecret(word string) bool {
	return len(word) >= shortestKey && strings.ContainsAny(word, "0123456789")
}

var envName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

// IsEnvName reports whether a text can be the name of an environment variable, and so
// is not a key in the wrong place.
func IsEnvName(s string) bool { return envName().MatchString(s) }

// HasLiteral reports whether the text contains a literal secret that is not a placeholder.
func (s *Source) HasLiteral(isPlaceholder func(value []byte) bool) bool {
	for _, r := range s.secret {
		text, masked := s.Text[r.Start.Byte:r.End.Byte], s.Masked()[r.Start.Byte:r.End.Byte]
		if !slices.Contains(masked, '*') {
			continue
		}
		quoted := quotedText().FindAllIndex(text, -1)
		if len(quoted) == 0 || slices.ContainsFunc(quoted, func(at []int) bool {
			return masked[at[0]+1] == '*' && !isPlaceholder(text[at[0]+1:at[1]-1])
		}) {
			return true
		}
	}
	return false
}
