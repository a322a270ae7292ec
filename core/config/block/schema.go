package block

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/sdk"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// DecodeSchema reads the settings that a plugin's schema declares, and returns them as values for JSON. It adds
// the place of each attribute, entry and nested block to places; the keys are paths, joined with dots.
func (r *Reader) DecodeSchema(s *sdk.Schema, places map[string]hcl.Range) map[string]any {
	d := &schemaDecoder{places}
	return d.body(r, s, nil)
}

// schemaDecoder reads a block by a plugin's schema.
type schemaDecoder struct{ places map[string]hcl.Range }

func (d *schemaDecoder) body(r *Reader, s *sdk.Schema, path []string) map[string]any {
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

func (d *schemaDecoder) attribute(r *Reader, a *sdk.Attribute, path []string, out map[string]any) {
	at := r.Attribute(a.Name)
	if at == nil {
		switch {
		case a.Required:
			r.ev.Fail(r.At, "Missing setting", strings.TrimSpace(fmt.Sprintf("%q is required %s. %s", a.Name, r.what, wording.Sentence(a.Doc))))
		case a.Default != nil:
			out[a.Name] = a.Default
		}
		return
	}
	d.place(at.Expr, append(slices.Clone(path), a.Name))
	t, err := ctyjson.UnmarshalType(a.Type)
	if err != nil {
		r.Wrong(at, fmt.Sprintf("the plugin declares it with an unknown type: %s", a.Type))
		return
	}
	v, ok := d.evaluate(r, at, a, t)
	if !ok {
		if v != cty.NilVal && v.IsNull() && a.Required {
			r.Wrong(at, "the value must not be null")
		}
		return
	}
	if err := checkTexts(v, a); err != nil {
		r.Wrong(at, err.Error())
		return
	}
	raw, err := ctyjson.Marshal(v, t)
	if err != nil {
		r.Wrong(at, "the value cannot be passed to the plugin")
		return
	}
	out[a.Name] = json.RawMessage(raw)
}

// place records where an attribute is, and each entry of its map or list.
func (d *schemaDecoder) place(e hclsyntax.Expression, path []string) {
	d.places[strings.Join(path, ".")] = e.Range()
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

func (d *schemaDecoder) evaluate(r *Reader, at *hclsyntax.Attribute, a *sdk.Attribute, t cty.Type) (cty.Value, bool) {
	if a.Sensitive {
		v, ok := r.secretValue(a.Name, t)
		return v, ok
	}
	v, ok := r.Value(at)
	if !ok {
		return v, false
	}
	v, _ = v.UnmarkDeep()
	if n, bare := bareNumber(v); bare && t == cty.String {
		if err := checkText(n, a); err != nil {
			r.Wrong(at, strings.Replace(err.Error(), fmt.Sprintf("%q", n), n, 1))
			return v, false
		}
	}
	v, _, ok = r.Typed(at, v, t)
	return v, ok
}

// checkTexts checks every string in a value, which may have any type that a schema can name.
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
		err = fmt.Errorf("%q is not one of %s. %s", s, wording.List(a.Enum), wording.DidYouMean(s, a.Enum))
	}
	return err
}

// block decodes nested blocks: a single one as an object, repeated ones as a list, and labeled ones as an object
// whose keys are the labels.
func (d *schemaDecoder) block(r *Reader, b *sdk.Block, path []string, out map[string]any) {
	path = append(slices.Clone(path), b.Name)
	var labels []string
	if b.Labelled {
		labels = []string{"name"}
	}
	all := r.Each(b.Name, labels...)
	if len(all) == 0 && b.Required {
		r.ev.Fail(r.At, "Missing block", strings.TrimSpace(fmt.Sprintf("A block %q is required %s. %s", b.Name, r.what, wording.Sentence(b.Doc))))
	}
	if len(all) > 1 && !b.Repeated {
		r.ev.Fail(all[1].DefRange(), "Duplicate block", fmt.Sprintf("A %s block is already declared %s; only one is allowed.", b.Name, r.what))
		return
	}
	listed, byLabel := []any{}, map[string]any{}
	for _, block := range all {
		inner := r.inside(block, "in "+b.Name)
		at := path
		if b.Labelled {
			at = append(slices.Clone(path), block.Labels[0])
			if byLabel[block.Labels[0]] != nil {
				r.ev.Fail(block.DefRange(), "Duplicate block", fmt.Sprintf("Block %s %q is already declared.", b.Name, block.Labels[0]))
			}
		}
		d.places[strings.Join(at, ".")] = block.DefRange()
		body := d.body(inner, b.Schema, at)
		inner.Done()
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
