package config

import (
	"fmt"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// secretValue evaluates an attribute with secrets.
func (r *reader) secretValue(name string, t cty.Type) (cty.Value, *hclsyntax.Attribute, bool) {
	a := r.attribute(name)
	if a == nil {
		return cty.NilVal, nil, false
	}
	r.loader.MarkSecret(a.Expr)
	v, ok := r.loader.Value(a.Expr, true)
	if !ok {
		return v, a, false
	}
	v, _ = v.UnmarkDeep()
	r.loader.KeepSecret(v)
	return r.typed(a, v, t)
}

func (r *reader) secret(name string, into *Secret) *hclsyntax.Attribute {
	v, a, ok := r.secretValue(name, cty.String)
	if ok {
		*into = NewSecret(v.AsString())
	}
	return a
}

// secretList reads a list of secrets; each comes with its range.
func (r *reader) secretList(name string) (values []Secret, ranges []hcl.Range) {
	a := r.attribute(name)
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
			r.loader.Fail(at, fmt.Sprintf("Empty value in %q", name), "An entry is empty: remove it, or set its value.")
			continue
		}
		if err := CheckCredential(e.AsString()); err != nil {
			r.loader.Fail(at, fmt.Sprintf("Invalid value in %q", name), wording.Sentence(err.Error()))
			continue
		}
		values, ranges = append(values, NewSecret(e.AsString())), append(ranges, at)
	}
	return values, ranges
}

// secretEntries returns the strings, or nulls, of a list of secrets; none after it reported an
// error. Plain strings are evaluated one by one, which is much faster; any other list as a
// whole, which also reports its errors.
func (r *reader) secretEntries(a *hclsyntax.Attribute) []cty.Value {
	entries, ok := r.plainTexts(a.Expr)
	if !ok {
		v, _, ok := r.secretValue(a.Name, cty.List(cty.String))
		if !ok {
			return nil
		}
		return v.AsValueSlice()
	}
	r.loader.MarkSecret(a.Expr)
	for _, e := range entries {
		r.loader.KeepSecret(e)
	}
	return entries
}

// plainTexts evaluates a list of plain strings; ok is false if it is anything else.
func (r *reader) plainTexts(list hclsyntax.Expression) (entries []cty.Value, ok bool) {
	tuple, ok := list.(*hclsyntax.TupleConsExpr)
	if !ok {
		return nil, false
	}
	for _, e := range tuple.Exprs {
		v, ok := r.loader.Try(e)
		v, _ = v.Unmark()
		if !ok || v.Type() != cty.String || !v.IsKnown() || v.IsNull() {
			return nil, false
		}
		entries = append(entries, v)
	}
	return entries, true
}

func (r *reader) secretMap(name string, into *map[string]Secret) {
	v, _, ok := r.secretValue(name, cty.Map(cty.String))
	if !ok {
		return
	}
	*into = map[string]Secret{}
	for k, e := range v.AsValueMap() {
		if !e.IsNull() {
			(*into)[k] = NewSecret(e.AsString())
		}
	}
}
