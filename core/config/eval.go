package config

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// mark is on every value that came from the environment, a file or a sensitive
// variable.
type mark string

const secretMark mark = "secret"

// evaluate creates the context of all expressions: variables first, which may use
// functions, then locals, which may use variables and each other.
func (l *loader) evaluate() {
	l.eval.context = &hcl.EvalContext{Functions: l.functions(), Variables: map[string]cty.Value{}}
	channels, egresses, tunnels := l.labels("channel"), l.labels("egress", EgressDirect, EgressEnvironment), l.labels("tunnel")
	l.names.channels, l.names.egresses, l.names.tunnels = channels, egresses, tunnels
	l.variables()
	l.eval.context.Variables["channel"], l.eval.context.Variables["egress"], l.eval.context.Variables["tunnel"] = references(channels), references(egresses), references(tunnels)
	l.locals()
}

// labels returns the names of the blocks of a type, after others.
func (l *loader) labels(kind string, others ...string) []string {
	names := append([]string{}, others...)
	for _, b := range l.blocks {
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

func (l *loader) variables() {
	values := map[string]cty.Value{}
	for _, b := range l.topBlocks("variable", "name") {
		name := b.Labels[0]
		if slices.Contains(l.names.variables, name) {
			l.fail(b.DefRange(), "Duplicate variable", fmt.Sprintf("Variable %q is already declared.", name))
			continue
		}
		l.names.variables = append(l.names.variables, name)
		values[name] = l.variable(name, l.reader(b, fmt.Sprintf("in variable %q", name)))
	}
	for _, name := range slices.Sorted(maps.Keys(l.options.Vars)) {
		if _, ok := values[name]; !ok {
			l.fail(l.start(), "Unknown variable", strings.TrimSpace(fmt.Sprintf("A value is given for the variable %q, but the configuration does not declare it. %s", name, wording.Instead(name, slices.Sorted(maps.Keys(values))))))
		}
	}
	l.eval.context.Variables["var"] = cty.ObjectVal(values)
}

// variable returns the value of one: from the command line, the environment or its
// default.
func (l *loader) variable(name string, r *reader) cty.Value {
	var settings variableSettings
	r.decode(&settings)
	sensitive := settings.Sensitive
	value := cty.DynamicVal
	given, ok := l.options.Vars[name]
	if !ok {
		given, ok = l.options.Getenv("AITUNNEL_VAR_" + name)
	}
	fallback := r.attribute("default")
	if sensitive && fallback != nil {
		r.secretRange(fallback.Expr)
	}
	switch {
	case ok:
		value = cty.StringVal(given)
	case fallback != nil:
		value, _ = r.value(fallback)
	default:
		l.fail(r.at, "Variable without a value", fmt.Sprintf("Give the variable %q a default, or a value with --var %s=… or in the environment as AITUNNEL_VAR_%s.", name, name, name))
	}
	r.done()
	if !l.recordSize("var", name, value, r.at) {
		return cty.DynamicVal
	}
	if sensitive {
		l.keepSecret(value)
		value = value.Mark(secretMark)
	}
	return value
}

// locals evaluates the locals in the order in which they depend on each other.
func (l *loader) locals() {
	attributes := map[string]*hclsyntax.Attribute{}
	for _, b := range l.topBlocks("locals") {
		for _, inner := range b.Body.Blocks {
			l.fail(inner.DefRange(), "Unknown block", "A locals block contains only settings.")
		}
		for name, a := range b.Body.Attributes {
			if attributes[name] != nil {
				l.fail(a.NameRange, "Duplicate local", fmt.Sprintf("Local %q is already declared.", name))
			}
			attributes[name] = a
		}
	}
	l.names.locals = slices.Sorted(maps.Keys(attributes))
	o := &ordering{loader: l, attributes: attributes, values: map[string]cty.Value{}, state: map[string]int{}}
	for _, name := range l.names.locals {
		o.resolve(name, nil)
	}
	l.eval.context.Variables["local"] = cty.ObjectVal(o.values)
}

// ordering evaluates locals depth first.
type ordering struct {
	loader     *loader
	attributes map[string]*hclsyntax.Attribute
	values     map[string]cty.Value
	state      map[string]int // 1 while it is evaluated, 2 afterwards
}

func (o *ordering) resolve(name string, path []string) {
	a := o.attributes[name]
	switch o.state[name] {
	case 2:
		return
	case 1:
		o.loader.fail(a.NameRange, "Circular reference between locals", fmt.Sprintf("local.%s refers to itself: %s.", name, strings.Join(append(path, name), " → ")))
		o.values[name] = cty.DynamicVal
		return
	}
	if len(path) > maxLocalChain {
		o.loader.fail(a.NameRange, "Nested too deeply", fmt.Sprintf("At most %d locals may refer to each other in a row.", maxLocalChain))
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
	o.loader.eval.context.Variables["local"] = o.needed(a.Expr)
	r := &reader{loader: o.loader, what: "in locals"}
	v, ok := r.value(a)
	if !ok || !o.loader.recordSize("local", name, v, a.Expr.Range()) {
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

// keepSecret marks every string in v as one that no message may show.
func (l *loader) keepSecret(v cty.Value) {
	v, _ = v.Unmark()
	switch {
	case v.IsNull() || !v.IsKnown():
	case v.Type() == cty.String:
		l.secrets.Add(v.AsString())
	case v.CanIterateElements():
		for _, e := range v.Elements() {
			l.keepSecret(e)
		}
	}
}

// resolves checks the references of an expression, so that the error can suggest the right
// name.
func (l *loader) resolves(e hcl.Expression, secret bool) bool {
	ok := true
	for _, t := range e.Variables() {
		root := t.RootName()
		known, isRoot := map[string][]string{"var": l.names.variables, "local": l.names.locals, "channel": l.names.channels, "egress": l.names.egresses, "tunnel": l.names.tunnels}[root]
		if !isRoot {
			ok = false
			detail := fmt.Sprintf("There is no %q. References begin with var, local, channel, egress or tunnel; a string needs quotes.", root)
			if slices.Contains(l.names.channels, root) {
				detail = fmt.Sprintf("There is no %q. Did you mean channel.%s?", root, root)
			}
			if secret {
				detail = "A key or token needs quotes, or env(\"NAME\") around the name of an environment variable."
			}
			l.fail(t.SourceRange(), "Unknown name", detail)
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
			l.fail(t.SourceRange(), "Unknown "+what, fmt.Sprintf("There is no %s %q. %s", what, name, cmp.Or(wording.Instead(name, known), "None is declared.")))
		}
	}
	return ok
}

// as converts v; the error says in words what is expected.
func as(v cty.Value, t cty.Type) (cty.Value, error) {
	out, err := convert.Convert(v, t)
	if err != nil {
		return out, fmt.Errorf("expected %s", typeName(t))
	}
	return out, nil
}

func typeName(t cty.Type) string {
	switch {
	case t == cty.String:
		return "a string"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsListType() || t.IsSetType():
		return "a list of " + plural(t.ElementType()) + " in brackets"
	case t.IsMapType():
		return "a map of " + plural(t.ElementType()) + " in braces"
	}
	return t.FriendlyName()
}

func plural(t cty.Type) string {
	switch t {
	case cty.String:
		return "strings"
	case cty.Number:
		return "numbers"
	}
	return "values, each " + typeName(t) + ","
}

// resolvePath returns the path a user wrote, relative to the configuration's directory.
func (l *loader) resolvePath(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if filepath.IsAbs(path) {
		return path
	}
	dir := l.options.Path
	if hclfile.IsPipe(dir) {
		return path
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	return filepath.Join(dir, path)
}
