package eval

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// mark marks every value that came from the environment, a file or a sensitive variable.
type mark string

const secretMark mark = "secret"

// Evaluate creates the context of all expressions: variables first, which may use
// functions, then locals, which may use variables and each other. It calls variable, if it is
// not nil, for each variable block, to check its settings.
func (ev *Evaluator) Evaluate(variable func(*hclsyntax.Block)) {
	ev.context = &hcl.EvalContext{Functions: ev.functions(), Variables: map[string]cty.Value{}}
	referable := []string{"channel", "egress", "tunnel"}
	for _, kind := range referable {
		ev.names[kind] = ev.labels(kind)
	}
	ev.variables(variable)
	for _, kind := range referable {
		ev.context.Variables[kind] = references(ev.names[kind])
	}
	ev.locals()
}

// labels returns the names of the blocks of a type, after those of predefined ones.
func (ev *Evaluator) labels(kind string) []string {
	names := append([]string{}, ev.Predefined[kind]...)
	for _, b := range ev.Blocks {
		if b.Type == kind && len(b.Labels) == 1 {
			names = append(names, b.Labels[0])
		}
	}
	return names
}

// references returns the values by which expressions refer to blocks: their labels.
func references(names []string) cty.Value {
	all := map[string]cty.Value{}
	for _, name := range names {
		all[name] = cty.StringVal(name)
	}
	return cty.ObjectVal(all)
}

func (ev *Evaluator) variables(check func(*hclsyntax.Block)) {
	values := map[string]cty.Value{}
	for _, b := range ev.TopBlocks("variable", "name") {
		name := b.Labels[0]
		if slices.Contains(ev.names["var"], name) {
			ev.Fail(b.DefRange(), "Duplicate variable", fmt.Sprintf("Variable %q is already declared.", name))
			continue
		}
		ev.names["var"] = append(ev.names["var"], name)
		if check != nil {
			check(b)
		}
		values[name] = ev.variable(name, b)
	}
	for _, name := range slices.Sorted(maps.Keys(ev.Vars)) {
		if _, ok := values[name]; !ok {
			ev.Fail(ev.Start(), "Unknown variable", strings.TrimSpace(fmt.Sprintf("A value is given for the variable %q, but the configuration does not declare it. %s", name, wording.Instead(name, slices.Sorted(maps.Keys(values))))))
		}
	}
	ev.context.Variables["var"] = cty.ObjectVal(values)
}

// variable returns the value of a variable: from the command line, the environment or its default.
func (ev *Evaluator) variable(name string, b *hclsyntax.Block) cty.Value {
	sensitive := ev.isSensitive(b.Body.Attributes["sensitive"])
	value := cty.DynamicVal
	given, ok := ev.Vars[name]
	if !ok {
		given, ok = ev.Getenv("AITUNNEL_VAR_" + name)
	}
	fallback := b.Body.Attributes["default"]
	if sensitive && fallback != nil {
		ev.MarkSecret(fallback.Expr)
	}
	switch {
	case ok:
		value = cty.StringVal(given)
	case fallback != nil:
		value, _ = ev.Value(fallback.Expr, false)
	default:
		ev.Fail(b.DefRange(), "Variable without a value", fmt.Sprintf("Give the variable %q a default, or a value with --var %s=… or in the environment as AITUNNEL_VAR_%s.", name, name, name))
	}
	if !ev.recordSize("var", name, value, b.DefRange()) {
		return cty.DynamicVal
	}
	if sensitive {
		ev.KeepSecret(value)
		value = value.Mark(secretMark)
	}
	return value
}

// isSensitive evaluates the setting of a variable. Its errors are reported when the settings of
// the block are checked.
func (ev *Evaluator) isSensitive(a *hclsyntax.Attribute) bool {
	if a == nil {
		return false
	}
	v, ok := ev.Try(a.Expr)
	if !ok || !v.IsWhollyKnown() {
		return false
	}
	v, _ = v.UnmarkDeep()
	v, err := convert.Convert(v, cty.Bool)
	return err == nil && !v.IsNull() && v.True()
}

// locals evaluates the locals in the order in which they depend on each other.
func (ev *Evaluator) locals() {
	attributes := map[string]*hclsyntax.Attribute{}
	for _, b := range ev.TopBlocks("locals") {
		for _, inner := range b.Body.Blocks {
			ev.Fail(inner.DefRange(), "Unknown block", "A locals block contains only settings.")
		}
		for name, a := range b.Body.Attributes {
			if attributes[name] != nil {
				ev.Fail(a.NameRange, "Duplicate local", fmt.Sprintf("Local %q is already declared.", name))
			}
			attributes[name] = a
		}
	}
	ev.names["local"] = slices.Sorted(maps.Keys(attributes))
	o := &ordering{evaluator: ev, attributes: attributes, values: map[string]cty.Value{}, state: map[string]int{}}
	for _, name := range ev.names["local"] {
		o.resolve(name, nil)
	}
	ev.context.Variables["local"] = cty.ObjectVal(o.values)
}

// ordering evaluates locals depth first.
type ordering struct {
	evaluator  *Evaluator
	attributes map[string]*hclsyntax.Attribute
	values     map[string]cty.Value
	state      map[string]int // 1 while a local is being evaluated, 2 afterwards
}

func (o *ordering) resolve(name string, path []string) {
	a := o.attributes[name]
	switch o.state[name] {
	case 2:
		return
	case 1:
		o.evaluator.Fail(a.NameRange, "Circular reference between locals", fmt.Sprintf("local.%s refers to itself: %s.", name, strings.Join(append(path, name), " → ")))
		o.values[name] = cty.DynamicVal
		return
	}
	if len(path) > maxLocalChain {
		o.evaluator.Fail(a.NameRange, "Nested too deeply", fmt.Sprintf("At most %d locals may refer to each other in a row.", maxLocalChain))
		o.values[name] = cty.DynamicVal
		return
	}
	o.state[name] = 1
	for _, t := range a.Expr.Variables() {
		if t.RootName() == "local" && len(t) > 1 {
			if step, ok := t[1].(hcl.TraverseAttr); ok && o.attributes[step.Name] != nil {
				o.resolve(step.Name, append(path, name))
			}
		}
	}
	o.evaluator.context.Variables["local"] = o.needed(a.Expr)
	v, ok := o.evaluator.Value(a.Expr, false)
	if !ok || !o.evaluator.recordSize("local", name, v, a.Expr.Range()) {
		v = cty.DynamicVal
	}
	o.values[name] = v
	o.state[name] = 2
}

// needed returns an object with the locals that an expression refers to, which is faster than
// one with all of them.
func (o *ordering) needed(e hclsyntax.Expression) cty.Value {
	values := map[string]cty.Value{}
	for _, t := range e.Variables() {
		if t.RootName() != "local" {
			continue
		}
		if len(t) > 1 {
			if step, ok := t[1].(hcl.TraverseAttr); ok {
				if v, known := o.values[step.Name]; known {
					values[step.Name] = v
				}
				continue
			}
		}
		return cty.ObjectVal(o.values)
	}
	return cty.ObjectVal(values)
}
