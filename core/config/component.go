package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/sdk"
)

// component reads the block of a component, or returns the default one.
func (r *reader) component(kind sdk.Kind, block, fallback string) *Component {
	b := r.one(block, "name")
	if b == nil {
		return r.loader.builtin(kind, fallback)
	}
	return r.loader.componentOf(kind, b, r.loader.reader(b, fmt.Sprintf("in %s %q", block, b.Labels[0])))
}

// builtin returns a built-in component without settings, used where no block names one.
func (l *loader) builtin(kind sdk.Kind, ref string) *Component {
	c := &Component{Kind: kind, Ref: ref, Name: ref, Body: json.RawMessage("{}"), OnFailure: OnFailureRoundRobin}
	info, err := l.catalog.Component(l.ctx, kind, ref, nil)
	if err != nil {
		l.Diags = append(l.Diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: fmt.Sprintf("The built-in %s %q is unavailable", kindName(kind), ref), Detail: wording.Sentence(err.Error())})
	}
	c.version, c.build = info.Version, info.Build
	return c
}

// componentOf checks a block against the schema of the component that it names. r may have
// read the attributes that are not settings of the component.
func (l *loader) componentOf(kind sdk.Kind, b *hclsyntax.Block, r *reader) *Component {
	c := &Component{Kind: kind, Ref: b.Labels[0], Range: b.DefRange(), Body: json.RawMessage("{}"), attributes: map[string]hcl.Range{}}
	plugin, name, _ := strings.Cut(c.Ref, "/")
	declared := l.plugins[plugin]
	info, err := l.catalog.Component(l.ctx, kind, c.Ref, declared)
	if errors.Is(err, ErrNotReady) {
		c.Plugin, c.Name = plugin, name
		c.own(r, b.Type, "")
		l.Warn(b.LabelRanges[0], fmt.Sprintf("The %s %q is not used yet", kindName(kind), c.Ref), wording.Sentence(err.Error()))
		return c
	}
	if err != nil {
		l.unknownComponent(c, b, err)
		return c
	}
	c.Plugin, c.Name, c.version, c.build = info.Plugin, info.Name, info.Version, info.Build
	c.own(r, b.Type, info.OnFailure)
	d := &schemaDecoder{component: c}
	body := d.body(r, info.Schema, nil)
	r.done()
	raw, err := json.Marshal(body)
	if err != nil {
		l.Fail(b.DefRange(), "Cannot read the block", wording.Sentence(err.Error()))
		return c
	}
	c.Body = raw
	return c
}

// own reads the attributes that are settings of the program, not of the component.
func (c *Component) own(r *reader, block, onFailure string) {
	if c.Kind == sdk.KindHealthChecker {
		return
	}
	if block != blockShadow { // a shadow's plans are not used
		word := cmp.Or(onFailure, string(OnFailureRoundRobin))
		r.choice("on_failure", &word, string(OnFailureRoundRobin), string(OnFailurePriority), string(OnFailureWeighted), string(OnFailureLeastBusy), string(OnFailureLastPlan))
		c.OnFailure = OnFailure(word)
	}
	if c.Kind != sdk.KindStrategy {
		return
	}
	a := r.texts("expose", &c.Expose)
	if a != nil {
		c.attributes["expose"] = a.Range()
	}
	for _, name := range c.Expose {
		if !strings.HasPrefix(name, "body.") || len(name) == len("body.") {
			r.wrong(a, fmt.Sprintf("%q is not a part of a request body: expected for example \"body.user\". Headers and the query are always visible", name))
			return
		}
	}
}

// blockShadow is the type of the blocks of shadows.
const blockShadow = "shadow"

func (l *loader) unknownComponent(c *Component, b *hclsyntax.Block, err error) {
	var unknown *UnknownComponentError
	var lock *trust.LockError
	at := b.LabelRanges[0]
	switch {
	case errors.As(err, &lock) && l.lockReported:
		return // the error is the same for all plugins
	case errors.As(err, &lock):
		l.lockReported = true
		l.Fail(at, "The lock file cannot be used", wording.Sentence(lock.Error()))
		return
	case !errors.As(err, &unknown):
		l.Fail(at, fmt.Sprintf("The %s %q cannot be used", kindName(c.Kind), c.Ref), wording.Sentence(err.Error()))
		return
	}
	detail := fmt.Sprintf("There is no %s %q. %s", kindName(c.Kind), c.Ref, wording.Known(append(unknown.Known, unknown.Others...)))
	near := wording.NearestRef(c.Ref, unknown.Known, unknown.Others)
	switch {
	case len(unknown.IsA) > 0:
		detail = fmt.Sprintf("%q is a %s, not a %s. %s", c.Ref, kindName(unknown.IsA[0]), kindName(c.Kind), wording.Known(append(unknown.Known, unknown.Others...)))
	case near != "" && (unknown.ofKnownPlugin() || wording.IsTypo(c.Ref, near)):
		detail = fmt.Sprintf("There is no %s %q. Did you mean %q?", kindName(c.Kind), c.Ref, near)
	case !unknown.ofKnownPlugin():
		detail += " If it belongs to a plugin, install the plugin: aitunnel plugin install SOURCE."
	}
	if len(unknown.Installed) > 0 {
		detail = fmt.Sprintf("There is no built-in %s %q, but an installed plugin has one: write %s.", kindName(c.Kind), c.Ref, wording.List(unknown.Installed))
	}
	l.Fail(at, "Unknown "+kindName(c.Kind), strings.TrimSpace(detail))
}

// schemaDecoder turns a block into JSON by a plugin's schema.
type schemaDecoder struct{ component *Component }

func (d *schemaDecoder) body(r *reader, s *sdk.Schema, path []string) map[string]any {
	out := map[string]any{}
	if s == nil {
		return out
	}
	for i := range s.Attributes {
		d.attribute(r, &s.Attributes[i], path, out)
	}
	for i := range s.Blocks {
		d.block(r, &s.Blocks[i], path, out)
	}
	return out
}

func (d *schemaDecoder) attribute(r *reader, a *sdk.Attribute, path []string, out map[string]any) {
	at := r.attribute(a.Name)
	if at == nil {
		switch {
		case a.Required:
			r.loader.Fail(r.at, "Missing setting", strings.TrimSpace(fmt.Sprintf("%q is required %s. %s", a.Name, r.what, wording.Sentence(a.Doc))))
		case a.Default != nil:
			out[a.Name] = a.Default
		}
		return
	}
	d.place(at.Expr, append(slices.Clone(path), a.Name))
	t, err := ctyjson.UnmarshalType(a.Type)
	if err != nil {
		r.wrong(at, fmt.Sprintf("the plugin declares it with an unknown type: %s", a.Type))
		return
	}
	v, ok := d.evaluate(r, at, a, t)
	if !ok {
		if v != cty.NilVal && v.IsNull() && a.Required {
			r.wrong(at, "the value must not be null")
		}
		return
	}
	if err := checkTexts(v, a); err != nil {
		r.wrong(at, err.Error())
		return
	}
	raw, err := ctyjson.Marshal(v, t)
	if err != nil {
		r.wrong(at, "the value cannot be passed to the plugin")
		return
	}
	out[a.Name] = json.RawMessage(raw)
}

// place records where an attribute is, and each entry of its map or list.
func (d *schemaDecoder) place(e hclsyntax.Expression, path []string) {
	d.component.attributes[strings.Join(path, ".")] = e.Range()
	switch e := e.(type) {
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			if key, diags := item.KeyExpr.Value(nil); !diags.HasErrors() && key.Type() == cty.String && key.IsKnown() && !key.IsNull() {
				d.place(item.ValueExpr, append(slices.Clone(path), key.AsString()))
			}
		}
	case *hclsyntax.TupleConsExpr:
		for i, item := range e.Exprs {
			d.place(item, append(slices.Clone(path), strconv.Itoa(i)))
		}
	}
}

func (d *schemaDecoder) evaluate(r *reader, at *hclsyntax.Attribute, a *sdk.Attribute, t cty.Type) (cty.Value, bool) {
	if a.Sensitive {
		v, _, ok := r.secretValue(a.Name, t)
		return v, ok
	}
	v, ok := r.value(at)
	if !ok {
		return v, false
	}
	v, _ = v.UnmarkDeep()
	if n, bare := bareNumber(v); bare && t == cty.String {
		if err := checkText(n, a); err != nil {
			r.wrong(at, strings.Replace(err.Error(), fmt.Sprintf("%q", n), n, 1))
			return v, false
		}
	}
	v, _, ok = r.typed(at, v, t)
	return v, ok
}

// checkTexts checks every text in v, which may be of any type that a schema
// can name.
func checkTexts(v cty.Value, a *sdk.Attribute) error {
	return cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.Type() != cty.String || v.IsNull() || !v.IsKnown() {
			return v.IsKnown() && !v.IsNull(), nil
		}
		return false, checkText(v.AsString(), a)
	})
}

func checkText(s string, a *sdk.Attribute) error {
	var err error
	switch a.Format {
	case sdk.FormatDuration:
		_, err = parseDuration(s)
	case sdk.FormatSize:
		_, err = parseSize(s)
	}
	if err == nil && len(a.Enum) > 0 && !slices.Contains(a.Enum, s) {
		err = fmt.Errorf("%q is not one of %s. %s", s, wording.List(a.Enum), didYouMean(s, a.Enum))
	}
	return err
}

// block decodes nested blocks: one as an object, several as a list, labeled
// ones as an object by label.
func (d *schemaDecoder) block(r *reader, b *sdk.Block, path []string, out map[string]any) {
	path = append(slices.Clone(path), b.Name)
	var labels []string
	if b.Labelled {
		labels = []string{"name"}
	}
	all := r.each(b.Name, labels...)
	if len(all) == 0 && b.Required {
		r.loader.Fail(r.at, "Missing block", strings.TrimSpace(fmt.Sprintf("A block %q is required %s. %s", b.Name, r.what, wording.Sentence(b.Doc))))
	}
	if len(all) > 1 && !b.Repeated {
		r.loader.Fail(all[1].DefRange(), "Duplicate block", fmt.Sprintf("A %s block is already declared %s; only one is allowed.", b.Name, r.what))
		return
	}
	listed, byLabel := []any{}, map[string]any{}
	for _, block := range all {
		inner := r.loader.reader(block, "in "+b.Name)
		at := path
		if b.Labelled {
			at = append(slices.Clone(path), block.Labels[0])
			if byLabel[block.Labels[0]] != nil {
				r.loader.Fail(block.DefRange(), "Duplicate block", fmt.Sprintf("Block %s %q is already declared.", b.Name, block.Labels[0]))
			}
		}
		d.component.attributes[strings.Join(at, ".")] = block.DefRange()
		body := d.body(inner, b.Schema, at)
		inner.done()
		listed = append(listed, body)
		if b.Labelled {
			byLabel[block.Labels[0]] = body
		}
	}
	switch {
	case len(all) == 0:
	case b.Labelled:
		out[b.Name] = byLabel
	case b.Repeated:
		out[b.Name] = listed
	default:
		out[b.Name] = listed[0]
	}
}

func checkConstraint(s string) error {
	if _, err := version.NewConstraint(s); err != nil {
		return fmt.Errorf("%q is not a valid version constraint: expected for example \">= 1.2, < 2.0\"", s)
	}
	return nil
}
