package config

import (
	"errors"
	"strconv"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// withoutValue removes the value of an attribute from a message if it is a secret.
func (r *reader) withoutValue(a *hclsyntax.Attribute, message string) string {
	if !r.isSecret(a) {
		return message
	}
	v, _ := r.loader.Try(a.Expr)
	v, _ = v.UnmarkDeep()
	_ = cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.IsNull() || !v.IsKnown() {
			return false, nil
		}
		switch v.Type() {
		case cty.String:
			message = without(message, v.AsString())
		case cty.Number:
			message = without(message, v.AsBigFloat().Text('f', -1))
		}
		return true, nil
	})
	return message
}

func (r *reader) isSecret(a *hclsyntax.Attribute) bool {
	s := r.loader.Sources[a.Expr.Range().Filename]
	return r.loader.ReadsSecrets(a.Expr) || s != nil && s.IsSecret(a.Expr.Range())
}

// without replaces a value where it is quoted or begins the message.
func without(message, value string) string {
	const instead = "the value"
	message = strings.ReplaceAll(message, strconv.Quote(value), instead)
	shown := []string{value}
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		shown = append(shown, digits(n))
	}
	for _, s := range shown {
		if rest, ok := strings.CutPrefix(message, s+" "); ok {
			return instead + " " + rest
		}
	}
	return message
}

// CheckCredential reports whether a value can be sent in a header.
func CheckCredential(s string) error {
	if strings.TrimSpace(s) != s || strings.ContainsFunc(s, unicode.IsControl) {
		return errors.New("it begins or ends with white space, or contains a line break; trimspace(…) removes white space at the ends")
	}
	return nil
}
