package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// readsSecrets reports whether an expression depends on the environment, a file or a
// sensitive variable.
func (l *loader) readsSecrets(e hclsyntax.Expression) bool {
	found := false
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && readsSecret(call.Name) {
			found = true
		}
		return nil
	})
	for _, t := range e.Variables() {
		v, diags := t.TraverseAbs(l.eval.context)
		found = found || !diags.HasErrors() && v.ContainsMarked()
	}
	return found
}

func readsSecret(function string) bool { return function == "env" || function == "file" }

// hideValues removes values from a message of the evaluator, which quotes those of variables
// and arguments. For a failed call, only the function's own message stays.
func hideValues(d *hcl.Diagnostic, secret bool) {
	d.Expression, d.EvalContext, d.Context = nil, nil, nil
	call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
	switch {
	case ok && call.FunctionCallError() != nil && (!secret || readsSecret(call.CalledFunctionName())):
		d.Summary = fmt.Sprintf("Error in function %s", call.CalledFunctionName())
		d.Detail = wording.Sentence(call.FunctionCallError().Error())
	case secret && d.Summary != "Call to unknown function" && !strings.HasSuffix(d.Summary, "function arguments"):
		d.Detail = "The value cannot be computed. It is not shown because it is a secret."
	}
}

// withoutValue removes the value of an attribute from a message if it is a secret.
func (r *reader) withoutValue(a *hclsyntax.Attribute, message string) string {
	if !r.isSecret(a) {
		return message
	}
	if !r.loader.withinLimits(a.Expr) {
		return message
	}
	v, _ := a.Expr.Value(r.loader.eval.context)
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
	s := r.loader.sources[a.Expr.Range().Filename]
	return r.loader.readsSecrets(a.Expr) || s != nil && s.IsSecret(a.Expr.Range())
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
