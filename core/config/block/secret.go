package block

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// secretValue evaluates an attribute whose value is secret.
func (r *Reader) secretValue(name string, t cty.Type) (v cty.Value, ok bool) {
	a := r.Attribute(name)
	if a == nil {
		return cty.NilVal, false
	}
	r.ev.MarkSecret(a.Expr)
	v, ok = r.ev.Value(a.Expr, true)
	if !ok {
		return v, false
	}
	v, _ = v.UnmarkDeep()
	r.ev.KeepSecret(v)
	v, _, ok = r.Typed(a, v, t)
	return v, ok
}

// SecretText reads a secret string; ok is false if it is not set, or wrong.
func (r *Reader) SecretText(name string) (text string, ok bool) {
	v, ok := r.secretValue(name, cty.String)
	if !ok {
		return "", false
	}
	return v.AsString(), true
}

// SecretTexts reads a list of secrets and their ranges. Those that do not pass the check are errors.
func (r *Reader) SecretTexts(name string, check func(string) error) (texts []string, ranges []hcl.Range) {
	a := r.Attribute(name)
	if a == nil {
		return nil, nil
	}
	tuple, _ := a.Expr.(*hclsyntax.TupleConsExpr)
	for i, e := range r.secretEntries(a) {
		at := a.Expr.Range()
		if tuple != nil && i < len(tuple.Exprs) {
			at = tuple.Exprs[i].Range()
		}
		if e.IsNull() || strings.TrimSpace(e.AsString()) == "" {
			r.ev.Fail(at, fmt.Sprintf("Empty value in %q", name), "An entry is empty: remove it, or set its value.")
			continue
		}
		if err := check(e.AsString()); err != nil {
			r.ev.Fail(at, fmt.Sprintf("Invalid value in %q", name), wording.Sentence(err.Error()))
			continue
		}
		texts, ranges = append(texts, e.AsString()), append(ranges, at)
	}
	return texts, ranges
}

// secretEntries returns the strings or nulls in a list of secrets, and nothing after it reported an error. A list
// of plain strings is evaluated entry by entry, which is much faster; any other list is evaluated as a whole, which
// also reports its errors.
func (r *Reader) secretEntries(a *hclsyntax.Attribute) []cty.Value {
	entries, ok := r.plainTexts(a.Expr)
	if !ok {
		v, ok := r.secretValue(a.Name, cty.List(cty.String))
		if !ok {
			return nil
		}
		return v.AsValueSlice()
	}
	r.ev.MarkSecret(a.Expr)
	for _, e := range entries {
		r.ev.KeepSecret(e)
	}
	return entries
}

// plainTexts evaluates a list of plain strings; ok is false if it is anything else.
func (r *Reader) plainTexts(list hclsyntax.Expression) (entries []cty.Value, ok bool) {
	tuple, ok := list.(*hclsyntax.TupleConsExpr)
	if !ok {
		return nil, false
	}
	for _, e := range tuple.Exprs {
		v, ok := r.ev.Try(e)
		v, _ = v.Unmark()
		if !ok || v.Type() != cty.String || !v.IsKnown() || v.IsNull() {
			return nil, false
		}
		entries = append(entries, v)
	}
	return entries, true
}

// SecretMap reads a map of secrets; ok is false if it is not set, or wrong.
func (r *Reader) SecretMap(name string) (texts map[string]string, ok bool) {
	v, ok := r.secretValue(name, cty.Map(cty.String))
	if !ok {
		return nil, false
	}
	texts = map[string]string{}
	for k, e := range v.AsValueMap() {
		if !e.IsNull() {
			texts[k] = e.AsString()
		}
	}
	return texts, true
}

// withoutValue removes the value of an attribute from a message if it is a secret.
func (r *Reader) withoutValue(a *hclsyntax.Attribute, message string) string {
	if !r.isSecret(a) {
		return message
	}
	v, _ := r.ev.Try(a.Expr)
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

func (r *Reader) isSecret(a *hclsyntax.Attribute) bool {
	s := r.ev.Sources[a.Expr.Range().Filename]
	return r.ev.ReadsSecrets(a.Expr) || s != nil && s.IsSecret(a.Expr.Range())
}

// without replaces a value in a message where it is quoted, or at the beginning.
func without(message, value string) string {
	const instead = "the value"
	message = strings.ReplaceAll(message, strconv.Quote(value), instead)
	shown := []string{value}
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		shown = append(shown, wording.Number(n))
	}
	for _, s := range shown {
		if rest, ok := strings.CutPrefix(message, s+" "); ok {
			return instead + " " + rest
		}
	}
	return message
}
