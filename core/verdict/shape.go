package verdict

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
)

// Unknown reports whether no rule matched, so that the answer is worth keeping.
func (v Verdict) Unknown() bool { return v.Origin == FromStatus && v.Means != Good }

// Shape returns an answer as a file of the corpus that contains only words of the rules
// and the corpus. key is the same for answers of the same shape.
func Shape(a Answer, v Verdict) (text, key string) {
	var b strings.Builder
	fmt.Fprintf(&b, "Source: aitunnel, judged by %s\n", v.Rule)
	b.WriteString("-- request --\n")
	for _, f := range requestFields(a) {
		if f.Value != "" {
			fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
		}
	}
	wire := wireShape(a)
	fmt.Fprintf(&b, "-- answer --\n%s\n-- verdict --\n%s", strings.TrimRight(wire, "\n"), v.Expectation())
	sum := sha256.Sum256([]byte(string(a.endpoint()) + a.Dialect + wire))
	return b.String(), hex.EncodeToString(sum[:8])
}

func requestFields(a Answer) []Condition {
	flag := func(b bool) string {
		if b {
			return "true"
		}
		return ""
	}
	return []Condition{
		{"dialect", anonymize(a.Dialect)}, {"endpoint", string(a.endpoint())}, {"method", anonymize(a.Method)}, {"path", anonymize(a.Path)},
		{"model", anonymize(a.Model)}, {"streamed", flag(a.Streamed)}, {"empty", flag(a.Empty)}, {"same_origin", flag(a.SameOrigin)},
	}
}

// wireShape returns the answer without personal data.
func wireShape(a Answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\n", a.Status, statusText(a.Status))
	for _, name := range slices.Sorted(headerNames(a.Header)) {
		fmt.Fprintf(&b, "%s: %s\n", name, anonymize(strings.Join(a.Header.Values(name), ", ")))
	}
	b.WriteString("\n")
	body := bodyShape(a.Body[:min(len(a.Body), MaxBody)])
	if a.Error && a.Event {
		body = "event: error\ndata: " + strings.ReplaceAll(body, "\n", " ")
	}
	b.WriteString(body)
	return b.String()
}

// headerNames are those of the headers that the rules and the corpus know.
func headerNames(h http.Header) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range h {
			if knownHeaders()[http.CanonicalHeaderKey(name)] && !yield(name) {
				return
			}
		}
	}
}

// bodyShape keeps the form of a body: JSON with its fields, or text.
func bodyShape(body []byte) string {
	const longest = 2 << 10
	var docs []string
	documents(body, func(doc gjson.Result) bool {
		docs = append(docs, shapeJSON(doc, 0))
		return len(docs) >= 4
	})
	text := strings.Join(docs, "\n")
	switch {
	case len(docs) == 0:
		text = anonymize(strings.TrimSpace(strings.ToValidUTF8(string(body[:min(len(body), longest)]), "")))
	case strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 64)])), "["):
		text = "[" + strings.Join(docs, ",") + "]"
	case isEventStream(body):
		text = "data: " + strings.Join(docs, "\n\ndata: ") + "\n"
	}
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + hidden
	}
	// A line like "-- name --" would begin another section.
	return strings.ReplaceAll(text, "-- ", "- ")
}

// shapeJSON keeps known names of fields, and known words of their values.
func shapeJSON(r gjson.Result, depth int) string {
	const deepest, most = 8, 24
	switch {
	case depth > deepest:
		return quote(hidden)
	case r.IsObject(), r.IsArray():
		var parts []string
		r.ForEach(func(k, v gjson.Result) bool {
			part := shapeJSON(v, depth+1)
			if r.IsObject() {
				part = quote(anonymize(k.Str)) + ":" + part
			}
			parts = append(parts, part)
			return len(parts) < most
		})
		if r.IsObject() {
			return "{" + strings.Join(parts, ",") + "}"
		}
		return "[" + strings.Join(parts, ",") + "]"
	case r.Type == gjson.String:
		return quote(anonymize(r.Str))
	case r.Type == gjson.Number:
		if vocabulary()[r.Raw] {
			return r.Raw
		}
		return "0"
	case r.IsBool():
		return r.Raw
	}
	return "null"
}

// quote writes a JSON string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsControl(r):
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
