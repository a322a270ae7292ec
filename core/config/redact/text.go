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

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Texts are the texts of a configuration as they may be shown: what is secret in
// them, and what looks like it, is replaced by placeholders.
type Texts struct {
	Files     []File
	originals map[string]string // by placeholder
}

// File is one file of [Texts].
type File struct{ Name, Text string }

// placeholder stands for a secret: always the same for the same secret, and useless to
// those who do not know the seed.
var placeholder = regexp.MustCompile(`\(hidden:[0-9a-f]{16}\)`)

// New hides the secrets of sources, and the values that are known: where a text
// does not parse, it does not say what is secret in it.
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

// Restore puts the secrets back in place of their placeholders. A
// placeholder that is not known is a mistake in the file of that name.
func (t Texts) Restore(name, text string) ([]byte, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	var out strings.Builder
	at := 0
	for _, m := range placeholder.FindAllStringIndex(text, -1) {
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

// secretRanges returns the places of the text that must not be shown, in order and
// apart from each other.
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
	return joined(all)
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

// joined puts ranges in order and makes one of those that overlap.
func joined(all [][2]int) (out [][2]int) {
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

// What in a comment may be a key that was put aside: a text in quotes with a
// digit, or a long word with one.
var (
	quotedText = regexp.MustCompile(`"[^"\n]{8,}"`)
	longWord   = regexp.MustCompile(`[A-Za-z0-9_\-]{20,}`)
)

// harmlessText is an address without credentials, a path of a file, or digits with signs
// between them, such as an IP address with a port, a time or a date.
var harmlessText = regexp.MustCompile(`^(?:https?://[A-Za-z0-9.\-]+(?::\d+)?(?:/v\d[a-z0-9]{0,6})?/?|~?\.{0,2}(?:/[\w.\-]{1,24}){1,8}|localhost:\d+|\[[0-9a-fA-F:]+\]:\d+|\d+(?:[.:/\-]\d+)+)$`)

// harmlessSetting is the name of a setting that holds no secret, before its value.
var harmlessSetting = regexp.MustCompile(`\b(?:host|user|listen|models|channels|strategy|key_selector|forward|identity|path|time_zone)[ \t]*=?[ \t]*(?:\[[^\]\n]*)?$`)

// isHarmless reports whether a quoted text of a comment is no secret, by its form or by
// the setting before it.
func isHarmless(before []byte, text string) bool {
	return !LooksLikeKey(text) && (harmlessText.MatchString(text) || harmlessSetting.Match(before))
}

func inComment(comment []byte, offset int) (all [][2]int) {
	for _, m := range quotedText.FindAllIndex(comment, -1) {
		if text := string(comment[m[0]+1 : m[1]-1]); LooksSecret(text) && !isHarmless(comment[:m[0]], text) {
			all = append(all, [2]int{offset + m[0] + 1, offset + m[1] - 1})
		}
	}
	for _, m := range longWord.FindAllIndex(comment, -1) {
		if LooksSecret(string(comment[m[0]:m[1]])) {
			all = append(all, [2]int{offset + m[0], offset + m[1]})
		}
	}
	return all
}
