package dialect

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
)

// Masker replaces a secret in answers with asterisks of the same length: a site may repeat
// the key that it received.
type Masker struct {
	secret string
	coded  []string // the parts of base64 that every text with the secret contains
}

// Shorter texts are not searched for, since they may occur by chance.
const (
	minSecret = 4
	minCoded  = 8
)

const maskByte = '*'

// NewMasker returns a masker for the secret.
func NewMasker(secret string) *Masker {
	m := &Masker{}
	if len(secret) < minSecret {
		return m
	}
	m.secret = secret
	for offset, lost := range []int{0, 2, 3} {
		// After offset other bytes, the first characters depend on those bytes, and the last
		// one may depend on what follows.
		padded := append(make([]byte, offset), secret...)
		whole := len(padded) * 8 / 6
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			part := encoding.EncodeToString(padded)[lost:whole]
			if len(part) >= minCoded && (encoding == base64.StdEncoding || strings.ContainsAny(part, "-_")) {
				m.coded = append(m.coded, part)
			}
		}
	}
	return m
}

// Mask returns b with the secret masked: b itself if it does not contain the secret, else a
// copy.
func (m *Masker) Mask(b []byte) []byte {
	if m.secret == "" {
		return b
	}
	out := b
	hide := func(start, end int) {
		if &out[0] == &b[0] {
			out = bytes.Clone(b)
		}
		for i := start; i < end; i++ {
			out[i] = maskByte
		}
	}
	for i := 0; i < len(b); {
		n := bytes.Index(b[i:], []byte(m.secret))
		if n < 0 {
			break
		}
		hide(i+n, i+n+len(m.secret))
		i += n + len(m.secret)
	}
	for _, part := range m.coded {
		for i := 0; i < len(b); {
			n := bytes.Index(b[i:], []byte(part))
			if n < 0 {
				break
			}
			hide(i+n, i+n+len(part))
			i += n + len(part)
		}
	}
	if bytes.ContainsAny(b, `%\`) {
		for i := 0; i < len(b); i++ {
			if n := escapedLength(b[i:], m.secret); n > 0 {
				hide(i, i+n)
				i += n - 1
			}
		}
	}
	return out
}

// MaskString is Mask for a string.
func (m *Masker) MaskString(s string) string {
	if s == "" || m.secret == "" {
		return s
	}
	return string(m.Mask([]byte(s)))
}

// MaskHeader masks the secret in the values of h, which it changes. The slices of values
// are not written to.
func (m *Masker) MaskHeader(h http.Header) {
	for name, values := range h {
		for i, v := range values {
			if masked := m.MaskString(v); masked != v {
				changed := append([]string(nil), values...)
				for j := i; j < len(changed); j++ {
					changed[j] = m.MaskString(changed[j])
				}
				h[name] = changed
				break
			}
		}
	}
}

// escapedLength returns the length of the secret at the beginning of b, where characters
// may be escaped as in URLs or JSON; 0 if b does not begin with it.
func escapedLength(b []byte, secret string) int {
	at := 0
	for i := range len(secret) {
		c, n := escapedByte(b[at:])
		if n == 0 || c != secret[i] {
			return 0
		}
		at += n
	}
	return at
}

// escapedByte reads a byte that is unescaped, or escaped as %41, \u0041 or \/.
func escapedByte(b []byte) (c byte, n int) {
	switch {
	case len(b) == 0:
		return 0, 0
	case b[0] == '%' && len(b) >= 3:
		if hi, lo := hexValue(b[1]), hexValue(b[2]); hi >= 0 && lo >= 0 {
			return byte(hi<<4 | lo), 3
		}
	case b[0] == '\\' && len(b) >= 6 && b[1] == 'u' && b[2] == '0' && b[3] == '0':
		if hi, lo := hexValue(b[4]), hexValue(b[5]); hi >= 0 && lo >= 0 {
			return byte(hi<<4 | lo), 6
		}
	case b[0] == '\\' && len(b) >= 2 && strings.IndexByte(`"\/`, b[1]) >= 0:
		return b[1], 2
	}
	return b[0], 1
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
