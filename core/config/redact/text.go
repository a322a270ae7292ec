package redact

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Texts are the texts of a configuration, with placeholders instead of secrets and of text that looks like a secret.
type Texts struct {
	Files     []File
	originals map[string]string // by placeholder
}

// File is one file of [Texts].
type File struct{ Name, Text string }

// placeholder matches a placeholder. It has a keyed hash of the secret, so it is always the same for the same
// secret, and reveals nothing without the seed.
var placeholder = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\(hidden:[0-9a-f]{16}\)`) })

// New hides the secrets of the sources, and all known values: in a text that does not parse, it is not known which
// parts are secret.
func New(sources map[string]*Source, seed []byte, known ...*Values) Texts {
	t := Texts{originals: map[string]string{}}
	all := &Values{}
	for _, values := range known {
		for value := range values.values {
			all.Add(value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		s := sources[name]
		t.Files = append(t.Files, File{name, t.hide(s.Text, s.secretRanges(all), seed)})
	}
	return t
}

func (t *Texts) hide(text []byte, ranges [][2]int, seed []byte) string {
	var out strings.Builder
	at := 0
	for _, r := range ranges {
		secret := string(text[r[0]:r[1]])
		mac := hmac.New(sha256.New, seed)
		mac.Write([]byte("placeholder\x00" + secret))
		name := "(hidden:" + hex.EncodeToString(mac.Sum(nil)[:8]) + ")"
		t.originals[name] = secret
		out.Write(text[at:r[0]])
		out.WriteString(name)
		at = r[1]
	}
	out.Write(text[at:])
	return out.String()
}

// Restore replaces placeholders by their secrets. An unknown placeholder is an error in the file with this name.
func (t Texts) Restore(name, text string) ([]byte, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	var out strings.Builder
	at := 0
	for _, m := range placeholder().FindAllStringIndex(text, -1) {
		out.WriteString(text[at:m[0]])
		original, ok := t.originals[text[m[0]:m[1]]]
		if !ok {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Unknown placeholder",
				Detail:  "The secret that it hides is no longer in the configuration: write the value itself.",
				Subject: rangeIn(name, text, m),
			})
		}
		out.WriteString(original)
		at = m[1]
	}
	out.WriteString(text[at:])
	return []byte(out.String()), diags
}

func rangeIn(name, text string, at []int) *hcl.Range {
	pos := func(i int) hcl.Pos {
		before := text[:i]
		return hcl.Pos{Line: 1 + strings.Count(before, "\n"), Column: 1 + len([]rune(before[strings.LastIndexByte(before, '\n')+1:])), Byte: i}
	}
	return &hcl.Range{Filename: name, Start: pos(at[0]), End: pos(at[1])}
}

// secretRanges returns the places of the text that must not be shown, in order and without overlaps.
func (s *Source) secretRanges(known *Values) [][2]int {
	tokens, _ := hclsyntax.LexConfig(s.Text, s.Name, hcl.InitialPos)
	var all [][2]int
	for i, t := range tokens {
		begin, end := t.Range.Start.Byte, t.Range.End.Byte
		switch {
		case t.Type == hclsyntax.TokenEOF:
		case s.hides(tokens, i), s.Broken && mayBeSecret(tokens, i):
			word := s.Text[begin:end]
			begin += len(word) - len(bytes.TrimLeft(word, " \t\r\n"))
			end -= len(word) - len(bytes.TrimRight(word, " \t\r\n"))
			all = append(all, [2]int{begin, end})
		case t.Type == hclsyntax.TokenComment:
			all = append(all, inComment(s.Text[begin:end], begin)...)
		}
	}
	for v := range known.values {
		if v = strings.TrimSpace(v); len(v) < shortest {
			continue
		}
		for at := 0; ; {
			i := bytes.Index(s.Text[at:], []byte(v))
			if i < 0 {
				break
			}
			all = append(all, [2]int{at + i, at + i + len(v)})
			at += i + len(v)
		}
	}
	return mergeRanges(all)
}

// mayBeSecret reports whether a text of a file that cannot be parsed is neither a
// label, nor an argument, nor an address or path.
func mayBeSecret(tokens hclsyntax.Tokens, i int) bool {
	t := tokens[i]
	if t.Type != hclsyntax.TokenQuotedLit || isArgument(tokens, i) {
		return false
	}
	label := i >= 2 && tokens[i-2].Type == hclsyntax.TokenIdent
	word := string(t.Bytes)
	return !label && !strings.HasPrefix(word, "http") && !strings.HasPrefix(word, "/")
}

// mergeRanges sorts ranges, and merges those that overlap.
func mergeRanges(all [][2]int) (out [][2]int) {
	slices.SortFunc(all, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	for _, r := range all {
		switch n := len(out); {
		case r[0] >= r[1]:
		case n > 0 && r[0] < out[n-1][1]:
			out[n-1][1] = max(out[n-1][1], r[1])
		default:
			out = append(out, r)
		}
	}
	return out
}

// What may be a key in a comment: a quoted text with a digit, or a long word with one.
var (
	quotedText = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"[^"\n]{8,}"`) })
	longWord   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[A-Za-z0-9_\-]{20,}`) })
)

// harmlessText matches a URL without credentials, a path of a file, or digits with punctuation, such
// as an IP address with a port, a time or a date.
var harmlessText = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:https?://[A-Za-z0-9.\-]+(?::\d+)?(?:/v\d[a-z0-9]{0,6})?/?|~?\.{0,2}(?:/[\w.\-]{1,24}){1,8}|localhost:\d+|\[[0-9a-fA-F:]+\]:\d+|\d+(?:[.:/\-]\d+)+)$`)
})

// harmlessSetting matches the name of a setting without secrets, before its value.
var harmlessSetting = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:host|user|listen|models|channels|strategy|key_selector|forward|identity|path|time_zone)[ \t]*=?[ \t]*(?:\[[^\]\n]*)?$`)
})

// isHarmless reports whether a quoted text of a comment is no secret, by its form or by
// the setting before it.
func isHarmless(before []byte, text string) bool {
	return !LooksLikeKey(text) && (harmlessText().MatchString(text) || harmlessSetting().Match(before))
}

func inComment(comment []byte, offset int) (all [][2]int) {
	for _, m := range quotedText().FindAllIndex(comment, -1) {
		if text := string(comment[m[0]+1 : m[1]-1]); LooksSecret(text) && !isHarmless(comment[:m[0]], text) {
			all = append(all, [2]int{offset + m[0] + 1, offset + m[1] - 1})
		}
	}
	for _, m := range longWord().FindAllIndex(comment, -1) {
		if LooksSecret(string(comment[m[0]:m[1]])) {
			all = append(all, [2]int{offset + m[0], offset + m[1]})
		}
	}
	return all
}
