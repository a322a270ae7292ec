package config

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
)

// Secret is a value that cannot be printed by accident: every way of formatting
// it shows a masked form. The zero value is an empty secret.
type Secret struct {
	// A pointer, since fmt may print an enclosing value without calling methods: it then prints
	// an address.
	value *string
}

// NewSecret makes a secret of value.
func NewSecret(value string) Secret { return Secret{&value} }

// Plaintext returns the value itself.
func (s Secret) Plaintext() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.Plaintext() == "" }

// Equal compares in constant time.
func (s Secret) Equal(other Secret) bool {
	a, b := sha256.Sum256([]byte(s.Plaintext())), sha256.Sum256([]byte(other.Plaintext()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String returns the masked form: the ends of a long secret, enough to distinguish two keys;
// nothing of a short one.
func (s Secret) String() string {
	value := s.Plaintext()
	switch n := len(value); {
	case n == 0:
		return ""
	case n < longSecret:
		return "…"
	}
	head, _, dashed := strings.Cut(value, "-")
	if !dashed || len(head) > 4 {
		head = ""
	} else {
		head += "-"
	}
	return head + "…" + value[len(value)-4:]
}

// Masked lengths.
const (
	longSecret = 20 // from here on String shows the end
	longKey    = 12 // from here on KeyText shows the ends
)

// KeyText returns how a key of a site is shown: its masked form, or for a short key the first
// and last two characters.
func (s Secret) KeyText() string {
	if value := s.Plaintext(); len(value) >= longKey && len(value) < longSecret {
		return value[:2] + "…" + value[len(value)-2:]
	}
	return s.String()
}

// Format prints the masked form for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// GoString returns the masked form.
func (s Secret) GoString() string { return s.String() }

// MarshalText returns the masked form.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON returns the masked form.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// LogValue returns the masked form.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
