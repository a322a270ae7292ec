package config

import (
	"errors"
	"strings"
	"unicode"
)

// CheckCredential reports whether a value can be sent in a header.
func CheckCredential(s string) error {
	if strings.TrimSpace(s) != s || strings.ContainsFunc(s, unicode.IsControl) {
		return errors.New("it begins or ends with white space, or contains a line break; trimspace(…) removes white space at the ends")
	}
	return nil
}
