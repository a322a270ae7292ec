package verdict

import (
	"fmt"
	"net/textproto"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/sdk"
)

// value evaluates an attribute. It refuses secrets, because rules are shown, and
// compared with what sites write.
func (c *compiler) value(e hcl.Expression) (cty.Value, bool) {
	v, diags := e.Value(c.ctx)
	c.diags = append(c.diags, diags...)
	if diags.HasErrors() {
		return cty.DynamicVal, false
	}
	if v.ContainsMarked() {
		c.add(e.Range(), "Secret in a verdict", "A verdict is shown in lists and logs, so it cannot hold a secret value. Write the text itself.")
		return cty.DynamicVal, false
	}
	if v.IsNull() || !v.IsWhollyKnown() {
		c.add(e.Range(), "Missing value", "A value is needed here. Remove the setting if it does not matter.")
		return cty.DynamicVal, false
	}
	return v, true
}

// written returns the value of a condition as text, for listings.
func (c *compiler) written(a *hcl.Attribute) string {
	v, diags := a.Expr.Value(c.ctx)
	if diags.HasErrors() || v.ContainsMarked() || !v.IsWhollyKnown() || v.IsNull() {
		return ""
	}
	if v.Type() == cty.String {
		return v.AsString()
	}
	return plain(v)
}

// plain formats a value as HCL.
func plain(v cty.Value) string {
	t := v.Type()
	switch {
	case v.IsNull():
		return "null"
	case t == cty.String:
		return strconv.Quote(v.AsString())
	case t == cty.Bool:
		return strconv.FormatBool(v.True())
	case t == cty.Number:
		n, _ := v.AsBigFloat().Float64()
		return strconv.FormatFloat(n, 'f', -1, 64)
	case !v.CanIterateElements():
		return ""
	}
	var parts []string
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if t.IsObjectType() || t.IsMapType() {
			parts = append(parts, plain(key)+" = "+plain(value))
		} else {
			parts = append(parts, plain(value))
		}
	}
	if t.IsObjectType() || t.IsMapType() {
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func (c *compiler) text(a *hcl.Attribute) string { return c.textOf(a.Name, a.Expr) }

func (c *compiler) textOf(name string, e hcl.Expression) string {
	v, ok := c.value(e)
	if !ok {
		return ""
	}
	if v.Type() != cty.String {
		c.add(e.Range(), "Expected a quoted string", fmt.Sprintf("%s must be a string in quotes.", name))
		return ""
	}
	return v.AsString()
}

func (c *compiler) boolean(a *hcl.Attribute) bool {
	v, ok := c.value(a.Expr)
	if ok && v.Type() != cty.Bool {
		c.add(a.Expr.Range(), "Expected true or false", fmt.Sprintf("%s must be true or false.", a.Name))
		ok = false
	}
	return ok && v.True()
}

// each calls visit with the value, or with each one of a list.
func (c *compiler) each(a *hcl.Attribute, visit func(v cty.Value)) {
	v, ok := c.value(a.Expr)
	if !ok {
		return
	}
	t := v.Type()
	if !t.IsTupleType() && !t.IsListType() && !t.IsSetType() {
		visit(v)
		return
	}
	if v.LengthInt() == 0 {
		c.add(a.Expr.Range(), "Empty list", fmt.Sprintf("%s needs at least one value. Remove the setting if it does not matter.", a.Name))
	}
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		visit(e)
	}
}

func (c *compiler) texts(a *hcl.Attribute) []string {
	var out []string
	c.each(a, func(v cty.Value) {
		if v.IsNull() || v.Type() != cty.String {
			c.add(a.Expr.Range(), "Expected a quoted string", fmt.Sprintf("%s must be a string in quotes, or a list of them.", a.Name))
			return
		}
		out = append(out, v.AsString())
	})
	return out
}

func upper(list []string) []string {
	for i := range list {
		list[i] = strings.ToUpper(list[i])
	}
	return list
}

// status takes numbers and classes: 403, "5xx", [429, "5xx"].
func (c *compiler) status(a *hcl.Attribute) {
	c.each(a, func(v cty.Value) {
		r, ok := statusOf(v)
		if !ok {
			c.add(a.Expr.Range(), "Invalid status", "Write a number from 100 to 999, or a class such as \"5xx\".")
			return
		}
		c.rule.statuses = append(c.rule.statuses, r)
	})
}

func statusOf(v cty.Value) (statusRange, bool) {
	switch {
	case v.IsNull():
	case v.Type() == cty.Number:
		if n, acc := v.AsBigFloat().Int64(); acc == 0 && n >= 100 && n <= 999 {
			return statusRange{int(n), int(n)}, true
		}
	case v.Type() == cty.String:
		s := strings.ToLower(v.AsString())
		if n, err := strconv.Atoi(s); err == nil && n >= 100 && n <= 999 {
			return statusRange{n, n}, true
		}
		if len(s) == 3 && s[1:] == "xx" && s[0] >= '1' && s[0] <= '9' {
			n := int(s[0]-'0') * 100
			return statusRange{n, n + 99}, true
		}
	}
	return statusRange{}, false
}

// expression compiles an RE2 expression.
func (c *compiler) expression(a *hcl.Attribute) *pattern { return c.expressionOf(a.Name, a.Expr) }

func (c *compiler) expressionOf(name string, e hcl.Expression) *pattern {
	text := c.textOf(name, e)
	if text == "" {
		if !c.diags.HasErrors() {
			c.add(e.Range(), "Empty expression", fmt.Sprintf("An empty %s would match everything. Remove the setting, or write the text to look for.", name))
		}
		return nil
	}
	const longest = 4096
	if len(text) > longest {
		c.add(e.Range(), "Expression too long", fmt.Sprintf("An expression may have at most %d bytes.", longest))
		return nil
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		c.add(e.Range(), "Invalid expression", explainRE2(text, err))
		return nil
	}
	p := newPattern(text, parsed)
	p.prefixed = beginsWithLiteral(parsed)
	return p
}

// explainRE2 returns what is wrong with an expression, and for features of other
// languages that RE2 lacks, what to write instead.
func explainRE2(text string, err error) string {
	hint := ""
	switch {
	case strings.Contains(text, "(?=") || strings.Contains(text, "(?!") || strings.Contains(text, "(?<"):
		hint = " RE2 has no look-ahead or look-behind: use a second condition instead."
	case regexp.MustCompile(`\\[1-9]`).MatchString(text):
		hint = " RE2 has no back-references."
	}
	return fmt.Sprintf("%q is not a valid expression (RE2): %s.%s", text, strings.TrimPrefix(err.Error(), "error parsing regexp: "), hint)
}

func (c *compiler) body(a *hcl.Attribute) {
	c.rule.body = c.expression(a)
	if c.rule.body != nil && !c.rule.body.prefixed {
		c.add(a.Expr.Range(), "body needs a fixed beginning", "For a fast search, the expression must begin with at least three fixed characters; only \"^\" and white space may precede them. For example: \"<title>Access denied\".")
	}
}

// pairs visits the entries of an object, and reports duplicate names, of which
// HCL silently uses the last.
func (c *compiler) pairs(a *hcl.Attribute, visit func(name string, value hcl.Expression)) {
	pairs, diags := hcl.ExprMap(a.Expr)
	if diags.HasErrors() {
		c.add(a.Expr.Range(), "Expected an object", fmt.Sprintf("Write %s as { \"name\" = \"expression\" }.", a.Name))
		return
	}
	if len(pairs) == 0 {
		c.add(a.Expr.Range(), "Empty object", fmt.Sprintf("%s needs at least one entry. Remove the setting if it does not matter.", a.Name))
	}
	seen := map[string]bool{}
	for _, p := range pairs {
		name := c.textOf("A name in "+a.Name, p.Key)
		id := name
		if a.Name == "header" {
			id = textproto.CanonicalMIMEHeaderKey(name)
		}
		switch {
		case name == "":
			c.add(p.Key.Range(), "Missing name", fmt.Sprintf("An entry of %s needs a name.", a.Name))
			continue
		case seen[id]:
			c.add(p.Key.Range(), "Duplicate name", fmt.Sprintf("%q occurs twice in %s; only one of them would be used. Write one expression for both, such as \"a|b\".", name, a.Name))
		}
		seen[id] = true
		visit(name, p.Value)
	}
}

func (c *compiler) json(a *hcl.Attribute) {
	c.pairs(a, func(name string, value hcl.Expression) {
		c.rule.json = append(c.rule.json, jsonCondition{splitPath(name), c.expressionOf("expression", value)})
	})
}

func (c *compiler) header(a *hcl.Attribute) {
	c.pairs(a, func(name string, value hcl.Expression) {
		p := c.expressionOf("expression", value)
		c.rule.headers = append(c.rule.headers, headerCondition{name: name, value: p, absent: p != nil && p.text == "^$"})
	})
}

func (c *compiler) endpoint(a *hcl.Attribute) {
	known := make([]string, len(Endpoints))
	for i, e := range Endpoints {
		known[i] = string(e)
	}
	c.rule.endpoints = c.known(a, "Unknown endpoint", "a kind of endpoint", known)
}

func (c *compiler) dialect(a *hcl.Attribute) {
	c.rule.dialects = c.known(a, "Unknown dialect", "a dialect", Dialects)
}

// known returns the texts of an attribute, and reports those that are not in known.
func (c *compiler) known(a *hcl.Attribute, summary, what string, known []string) []string {
	given := c.texts(a)
	for _, g := range given {
		if !among(known, g) {
			c.add(a.Expr.Range(), summary, fmt.Sprintf("%q is not %s. %s", g, what, suggest(g, known)))
		}
	}
	return given
}

func (c *compiler) means(a *hcl.Attribute) { c.rule.Means = c.meaning(a, true) }

func (c *compiler) secondKey(a *hcl.Attribute) { c.rule.SecondKey = c.meaning(a, false) }

func (c *compiler) meaning(a *hcl.Attribute, orDefault bool) Means {
	text := c.text(a)
	var known []string
	for _, m := range Meanings {
		known = append(known, string(m.Means))
	}
	if orDefault {
		known = append(known, string(Default))
	}
	if text != "" && !among(known, text) {
		c.add(a.Expr.Range(), "Unknown meaning", fmt.Sprintf("%q is not a meaning. %s", text, suggest(text, known)))
	}
	return Means(text)
}

// scopes are those that a rule may choose.
var scopes = []string{string(ScopeKey), string(ScopeKeyModel), string(ScopeChannel), string(ScopeChannelModel)}

func (c *compiler) scope(a *hcl.Attribute) {
	text := c.text(a)
	if text != "" && !among(scopes, text) {
		c.add(a.Expr.Range(), "Unknown scope", fmt.Sprintf("%q is not a scope. %s", text, suggest(text, scopes)))
	}
	c.rule.Scope = Scope(text)
}

func (c *compiler) after(a *hcl.Attribute) {
	for _, p := range c.texts(a) {
		if name, ok := strings.CutPrefix(p, "header:"); ok {
			c.rule.after = append(c.rule.after, afterPath{header: strings.TrimSpace(name)})
			continue
		}
		c.rule.after = append(c.rule.after, afterPath{path: splitPath(p)})
	}
}

func (c *compiler) duration(a *hcl.Attribute) {
	text := c.text(a)
	d, err := sdk.ParseDuration(text)
	switch {
	case text == "":
	case err != nil:
		c.add(a.Expr.Range(), "Invalid duration", fmt.Sprintf("%q is not a valid duration: write a number with a unit, such as \"30s\", \"10m\" or \"1h\".", text))
	case d <= 0 || d > MaxRetryAfter:
		c.add(a.Expr.Range(), "Invalid duration", fmt.Sprintf("for = %q is out of range: at least \"1s\", at most \"24h\".", text))
	}
	c.rule.For = d
}
