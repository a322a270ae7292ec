package eval

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Value evaluates an expression; ok is false after it reported an error. If the expression is
// a secret, the report does not quote it.
func (ev *Evaluator) Value(expr hclsyntax.Expression, secret bool) (v cty.Value, ok bool) {
	if !ev.resolves(expr, secret) || !ev.withinLimits(expr) {
		return cty.DynamicVal, false
	}
	v, diags := expr.Value(ev.context)
	for _, d := range diags {
		hideValues(d, secret || ev.ReadsSecrets(expr))
	}
	ev.Diags = append(ev.Diags, diags...)
	if diags.HasErrors() {
		return v, false
	}
	if !v.IsWhollyKnown() {
		return v, false // it depends on an invalid value, which was reported
	}
	return v, true
}

// Try evaluates an expression without reporting its errors; ok is false if it has one.
func (ev *Evaluator) Try(expr hclsyntax.Expression) (v cty.Value, ok bool) {
	if !ev.withinLimits(expr) {
		return cty.DynamicVal, false
	}
	v, diags := expr.Value(ev.context)
	return v, len(diags) == 0
}

// resolves checks the references of an expression, so that the error can suggest the right
// name.
func (ev *Evaluator) resolves(e hcl.Expression, secret bool) bool {
	ok := true
	for _, t := range e.Variables() {
		root := t.RootName()
		known, isRoot := ev.names[root]
		if !isRoot {
			ok = false
			detail := fmt.Sprintf("There is no %q. References begin with var, local, channel, egress or tunnel; a string needs quotes.", root)
			if slices.Contains(ev.names["channel"], root) {
				detail = fmt.Sprintf("There is no %q. Did you mean channel.%s?", root, root)
			}
			if secret {
				detail = "A key or token needs quotes, or env(\"NAME\") around the name of an environment variable."
			}
			ev.Fail(t.SourceRange(), "Unknown name", detail)
			continue
		}
		if len(t) < 2 {
			continue
		}
		name := ""
		switch step := t[1].(type) {
		case hcl.TraverseAttr:
			name = step.Name
		case hcl.TraverseIndex:
			if step.Key.Type() != cty.String {
				continue
			}
			name = step.Key.AsString()
		}
		if !slices.Contains(known, name) {
			ok = false
			what := map[string]string{"var": "variable", "local": "local", "channel": "channel", "egress": "egress", "tunnel": "tunnel"}[root]
			ev.Fail(t.SourceRange(), "Unknown "+what, fmt.Sprintf("There is no %s %q. %s", what, name, cmp.Or(wording.Instead(name, known), "None is declared.")))
		}
	}
	return ok
}

// ReadsSecrets reports whether an expression depends on the environment, a file or a
// sensitive variable.
func (ev *Evaluator) ReadsSecrets(e hclsyntax.Expression) bool {
	found := false
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && readsSecret(call.Name) {
			found = true
		}
		return nil
	})
	for _, t := range e.Variables() {
		v, diags := t.TraverseAbs(ev.context)
		found = found || !diags.HasErrors() && v.ContainsMarked()
	}
	return found
}

func readsSecret(function string) bool { return function == "env" || function == "file" }

// hideValues removes the values of variables and arguments from a message of the library. Of a failed call, only the
// message of the function is kept.
func hideValues(d *hcl.Diagnostic, secret bool) {
	d.Expression, d.EvalContext, d.Context = nil, nil, nil
	call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
	switch {
	case ok && call.FunctionCallError() != nil && (!secret || readsSecret(call.CalledFunctionName())):
		d.Summary = fmt.Sprintf("Error in function %s", call.CalledFunctionName())
		d.Detail = wording.Sentence(call.FunctionCallError().Error())
	case secret && !isUnknownFunction(d) && !isArgumentCount(d):
		d.Detail = "The value cannot be computed. It is not shown because it is a secret."
	}
}

// isUnknownFunction reports whether there is no function of a name.
func isUnknownFunction(d *hcl.Diagnostic) bool {
	_, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](d)
	return ok
}

// isArgumentCount reports whether a function is called with too few or too many arguments.
// HCL has nothing but the summary for that (hclsyntax: FunctionCallExpr.Value).
func isArgumentCount(d *hcl.Diagnostic) bool {
	return d.Summary == "Not enough function arguments" || d.Summary == "Too many function arguments"
}

// MarkSecret marks the literals of an expression as secret.
func (ev *Evaluator) MarkSecret(e hclsyntax.Expression) {
	s := ev.Sources[e.Range().Filename]
	if s == nil {
		return
	}
	object, ok := e.(*hclsyntax.ObjectConsExpr)
	if !ok {
		s.AddSecret(e.Range())
		return
	}
	for _, i := range object.Items { // the names of variables are no secrets
		at := i.KeyExpr.Range()
		if name := strings.Trim(string(at.SliceBytes(s.Text)), `"`); !redact.IsEnvName(name) || redact.LooksSecret(name) {
			s.AddSecret(at)
		}
		s.AddSecret(i.ValueExpr.Range())
	}
}

// KeepSecret adds every string in a value to the secrets that no message may show.
func (ev *Evaluator) KeepSecret(v cty.Value) {
	v, _ = v.Unmark()
	switch {
	case v.IsNull() || !v.IsKnown():
	case v.Type() == cty.String:
		ev.Secrets.Add(v.AsString())
	case v.CanIterateElements():
		for _, e := range v.Elements() {
			ev.KeepSecret(e)
		}
	}
}

// MayBeSecret marks the literals of a range as possible secrets.
func (ev *Evaluator) MayBeSecret(at hcl.Range) {
	if s := ev.Sources[at.Filename]; s != nil {
		s.AddUnknown(at)
	}
}
