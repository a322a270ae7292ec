package config

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

// Veiled are the texts of a configuration as they may be shown: what is secret
// in them, and what looks as if it was, is replaced by placeholders that stand
// for it.
type Veiled struct {
	Files     []VeiledFile
	originals map[string]string // by placeholder
}

// VeiledFile is one file of [Veiled].
type VeiledFile struct{ Name, Text string }

// placeholder stands for a secret: the same for the same one, and of no use to
// those who do not know the seed.
var placeholder = regexp.MustCompile(`\(hidden:[0-9a-f]{16}\)`)

// Veil hides the secrets of the texts that the report is about, and those that
// were found when others were read: where a text cannot be parsed, it does not
// say what is secret in it.
func (r Report) Veil(seed []byte, others ...Report) Veiled {
	v := Veiled{originals: map[string]string{}}
	known := &secrets{values: maps.Clone(r.secrets.values)}
	for _, o := range others {
		for value := range o.secrets.values {
			known.add(value)
		}
	}
	for _, name := range sortedNames(r.sources) {
		s := r.sources[name]
		v.Files = append(v.Files, VeiledFile{name, v.hide(s.text, s.secretRanges(known), seed)})
	}
	return v
}

func sortedNames(sources map[string]*source) (names []string) {
	for name := range sources {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (v *Veiled) hide(text []byte, ranges [][2]int, seed []byte) string {
	var out strings.Builder
	at := 0
	for _, r := range ranges {
		secret := string(text[r[0]:r[1]])
		mac := hmac.New(sha256.New, seed)
		mac.Write([]byte("veil\x00" + secret))
		name := "(hidden:" + hex.EncodeToString(mac.Sum(nil)[:8]) + ")"
		v.originals[name] = secret
		out.Write(text[at:r[0]])
		out.WriteString(name)
		at = r[1]
	}
	out.Write(text[at:])
	return out.String()
}

// Reveal puts the secrets back where their placeholders stand in a text. A
// placeholder that stands for nothing is a mistake in the file of that name.
func (v Veiled) Reveal(name, text string) ([]byte, Report) {
	var diags hcl.Diagnostics
	var out strings.Builder
	at := 0
	for _, m := range placeholder.FindAllStringIndex(text, -1) {
		out.WriteString(text[at:m[0]])
		original, ok := v.originals[text[m[0]:m[1]]]
		if !ok {
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Unknown placeholder",
				Detail:  "The secret that it stands for is no longer in the configuration: write the value itself.",
				Subject: rangeIn(name, text, m),
			})
		}
		out.WriteString(original)
		at = m[1]
	}
	out.WriteString(text[at:])
	return []byte(out.String()), Report{diags: diags, sources: map[string]*source{name: {name: name, text: []byte(text)}}, secrets: &secrets{}}
}

func rangeIn(name, text string, at []int) *hcl.Range {
	pos := func(i int) hcl.Pos {
		before := text[:i]
		return hcl.Pos{Line: 1 + strings.Count(before, "\n"), Column: 1 + len([]rune(before[strings.LastIndexByte(before, '\n')+1:])), Byte: i}
	}
	return &hcl.Range{Filename: name, Start: pos(at[0]), End: pos(at[1])}
}

// secretRanges are the places of the text that must not be shown, in order and
// apart from each other.
func (s *source) secretRanges(known *secrets) [][2]int {
	tokens, _ := hclsyntax.LexConfig(s.text, s.name, hcl.InitialPos)
	var all [][2]int
	for i, t := range tokens {
		begin, end := t.Range.Start.Byte, t.Range.End.Byte
		switch {
		case t.Type == hclsyntax.TokenEOF:
		case s.hides(tokens, i), s.broken && mayBeSecret(tokens, i):
			word := s.text[begin:end]
			begin += len(word) - len(bytes.TrimLeft(word, " \t\r\n"))
			end -= len(word) - len(bytes.TrimRight(word, " \t\r\n"))
			all = append(all, [2]int{begin, end})
		case t.Type == hclsyntax.TokenComment:
			all = append(all, inComment(s.text[begin:end], begin)...)
		}
	}
	for v := range known.values {
		if v = strings.TrimSpace(v); len(v) < shortest {
			continue
		}
		for at := 0; ; {
			i := bytes.Index(s.text[at:], []byte(v))
			if i < 0 {
				break
			}
			all = append(all, [2]int{at + i, at + i + len(v)})
			at += i + len(v)
		}
	}
	return joined(all)
}

// mayBeSecret says that a text of a file that cannot be parsed is neither a
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

func inComment(comment []byte, offset int) (all [][2]int) {
	for _, m := range quotedText.FindAllIndex(comment, -1) {
		if looksSecret(string(comment[m[0]+1 : m[1]-1])) {
			all = append(all, [2]int{offset + m[0] + 1, offset + m[1] - 1})
		}
	}
	for _, m := range longWord.FindAllIndex(comment, -1) {
		if looksSecret(string(comment[m[0]:m[1]])) {
			all = append(all, [2]int{offset + m[0], offset + m[1]})
		}
	}
	return all
}
