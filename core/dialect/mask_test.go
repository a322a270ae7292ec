package dialect

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	const secret = "sk-a/b+c=1234567890"
	m := NewMasker(secret)
	for _, tt := range []struct{ name, before, written, after string }{
		{"as it is", `{"error":{"message":"Incorrect API key provided: `, secret, `. You can find"}}`},
		{"escaped for a query", "https://x/?key=", url.QueryEscape(secret), "&a=1"},
		{"escaped for a path", "/keys/", url.PathEscape(secret), "/x"},
		{"in lower case", "?key=", strings.ToLower(url.QueryEscape(secret)), ""},
		{"a letter escaped", "?key=", "%73k-a/b+c=1234567890", ""},
		{"JSON with escaped slashes", `"`, `sk-a\/b+c=1234567890`, `"`},
		{"JSON as Go writes it", `"`, `sk-a/b\u002bc=1234567890`, `"`},
	} {
		got := string(m.Mask([]byte(tt.before + tt.written + tt.after)))
		if want := tt.before + strings.Repeat("*", len(tt.written)) + tt.after; got != want {
			t.Errorf("%s: %s, want %s", tt.name, got, want)
		}
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		for _, around := range []string{"", "a", "ab", "abc", "user:"} {
			text := encoding.EncodeToString([]byte(around + secret + around))
			got := m.MaskString("x " + text + " y")
			// The first and last characters contain bits of the text around it.
			if len(got) != len(text)+4 || strings.Count(got, "*") < len(secret)*8/6-3 {
				t.Errorf("base64 of %q: %s", around+secret, got)
			}
		}
	}
	body := []byte("nothing of the kind, 100 % sk-a/b+c=123456789")
	if got := m.Mask(body); &got[0] != &body[0] {
		t.Error("a text without the secret was copied")
	}
	both := []byte(secret + " " + secret)
	if got := m.Mask(both); string(got) != strings.Repeat("*", len(secret))+" "+strings.Repeat("*", len(secret)) || !bytes.HasPrefix(both, []byte(secret)) {
		t.Errorf("%s", got)
	}
	for _, short := range []string{"", "k", "key"} {
		if got := NewMasker(short).MaskString("the key k"); got != "the key k" {
			t.Errorf("%q hidden: %s", short, got)
		}
	}
	m.Mask(nil)
}

func TestMaskHeader(t *testing.T) {
	m := NewMasker("sk-secret")
	values := []string{"a", "key sk-secret", "sk-secret"}
	h := http.Header{"X-Debug": values, "X-Other": {"fine"}}
	m.MaskHeader(h)
	want := http.Header{"X-Debug": {"a", "key *********", "*********"}, "X-Other": {"fine"}}
	if !reflect.DeepEqual(h, want) || values[2] != "sk-secret" {
		t.Errorf("%v, and the values given are %v", h, values)
	}
}

func FuzzMask(f *testing.F) {
	f.Add("sk-a/b+c=1234", "x", "y", 0)
	f.Add("%41%41", `\u0041`, "%", 1)
	f.Fuzz(func(t *testing.T, secret, before, after string, form int) {
		written := secret
		switch form % 3 {
		case 1:
			written = url.QueryEscape(secret)
			if strings.Contains(written, "+") {
				t.Skip("a blank")
			}
		case 2:
			written = url.PathEscape(secret)
		}
		text := before + written + after
		got := NewMasker(secret).MaskString(text)
		if len(got) != len(text) {
			t.Fatalf("%q became %q", text, got)
		}
		if len(secret) >= minSecret && strings.Contains(got, secret) && strings.Trim(secret, "*") != "" {
			t.Fatalf("%q is in %q", secret, got)
		}
	})
}

// BenchmarkMask masks an error of the largest size that is searched.
func BenchmarkMask(b *testing.B) {
	m := NewMasker("sk-ant-api03-" + strings.Repeat("aB3", 30))
	for name, unit := range map[string]string{"words": "some words of an error ", "crafted": "sk-ant-api03-%61"} {
		b.Run(name, func(b *testing.B) {
			body := []byte(strings.Repeat(unit, 64<<10/len(unit)))
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				m.Mask(body)
			}
		})
	}
}
