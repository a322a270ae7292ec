package edit

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/config/redact"
)

// Channel is a new channel, or a change: fields that are nil change nothing.
type Channel struct {
	Target   *string
	Auth     *string
	Weight   *float64
	Fallback *bool
	Models   *[]string // empty: every model

	ModelMap    *map[string]string // empty: none
	MaxInFlight *int               // 0: no limit

	Settings string // of a new channel: further settings and blocks, as HCL

	Keys *[]Key // they replace all keys
}

// Key is a key to write.
type Key struct {
	Value string
	Label string // "": it has none
}

// attributes returns the attributes of the channel, in the order in which they are written;
// those without a value are to be removed.
func (c Channel) attributes() (all [][2]string) {
	add := func(name, value string) { all = append(all, [2]string{name, value}) }
	if c.Target != nil {
		add("target", text(*c.Target))
	}
	if c.Weight != nil {
		add("weight", literal(cty.NumberFloatVal(*c.Weight)))
	}
	if c.Fallback != nil {
		add("fallback", literal(cty.BoolVal(*c.Fallback)))
	}
	if c.Auth != nil {
		add("auth", text(*c.Auth))
	}
	if c.MaxInFlight != nil {
		value := ""
		if *c.MaxInFlight != 0 {
			value = literal(cty.NumberIntVal(int64(*c.MaxInFlight)))
		}
		add("max_in_flight", value)
	}
	if c.Models != nil {
		add("models", list(*c.Models))
	}
	if c.ModelMap != nil {
		add("model_map", object(*c.ModelMap))
	}
	return all
}

// object returns a map of strings as HCL; "" for an empty one.
func object(texts map[string]string) string {
	if len(texts) == 0 {
		return ""
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		all = append(all, text(name)+" = "+text(texts[name]))
	}
	return "{ " + strings.Join(all, ", ") + " }"
}

// list returns a list of strings as HCL; "" for an empty one.
func list(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	var all []string
	for _, t := range texts {
		all = append(all, text(t))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// AddChannel adds a channel after the others, and adds it to the routes with these paths.
func (d *Document) AddChannel(name string, c Channel, routes []string) error {
	var attributes [][2]string
	for _, a := range c.attributes() {
		if a[1] != "" {
			attributes = append(attributes, a)
		}
	}
	block := written("channel", name, attributes)
	if more := strings.TrimSpace(c.Settings); more != "" {
		if err := insideOnly(more); err != nil {
			return err
		}
		block = strings.TrimSuffix(block, "}") + "  " + strings.ReplaceAll(more, "\n", "\n  ") + "\n}"
	}
	if err := d.writeChannel(block); err != nil {
		return err
	}
	if c.Keys != nil {
		for _, k := range *c.Keys {
			if err := d.AddKey(name, k); err != nil {
				return err
			}
		}
	}
	return d.addToRoutes(name, routes)
}

// insideOnly refuses a text that is not the content of one block, such as one that closes the
// block and begins another.
func insideOnly(text string) error {
	if _, diags := hclfile.Parse([]byte(text), "settings", hcl.InitialPos); diags.HasErrors() {
		return fmt.Errorf("the settings cannot be parsed: %s", diags[0].Summary)
	}
	return nil
}

// writeChannel adds the block of a channel after the others.
func (d *Document) writeChannel(block string) error {
	in := d.files[0]
	err := d.each("channel", func(f *file, _ *hclsyntax.Block) error {
		in = f
		return nil
	})
	if err != nil {
		return err
	}
	body, err := in.parse()
	if err != nil {
		return err
	}
	at := len(in.text)
	for _, b := range body.Blocks {
		if b.Type == "channel" {
			at = in.lineEnd(b.CloseBraceRange.End.Byte)
		}
	}
	before := "\n\n"
	if at == len(in.text) && (at == 0 || in.text[at-1] == '\n') {
		before = "\n"
	}
	block = before + block
	if at == len(in.text) {
		block += "\n"
	}
	in.splice(at, at, block)
	return nil
}

// addToRoutes adds the channel to the routes.
func (d *Document) addToRoutes(name string, routes []string) error {
	for _, path := range routes {
		found := false
		for more := true; more; {
			more = false
			err := d.each("route", func(f *file, b *hclsyntax.Block) error {
				if more || len(b.Labels) != 1 || b.Labels[0] != path {
					return nil
				}
				found = true
				tuple, ok := tupleOf(b, "channels")
				if !ok {
					return fmt.Errorf("the channels of the route %q at %s:%d are not written as a list: add the channel there by hand", path, f.name, b.TypeRange.Start.Line)
				}
				if slices.ContainsFunc(tuple.Exprs, func(e hclsyntax.Expression) bool { return names(e, name) }) {
					return nil
				}
				f.push(tuple, reference(name))
				more = true // the tree is that of the old text
				return errChanged
			})
			if err != nil && !errors.Is(err, errChanged) {
				return err
			}
		}
		if !found {
			return fmt.Errorf("there is no route %q", path)
		}
	}
	return nil
}

// errChanged ends a walk over a tree whose text has changed.
var errChanged = errors.New("the text has changed")

func tupleOf(b *hclsyntax.Block, name string) (*hclsyntax.TupleConsExpr, bool) {
	a := b.Body.Attributes[name]
	if a == nil {
		return nil, false
	}
	tuple, ok := a.Expr.(*hclsyntax.TupleConsExpr)
	return tuple, ok
}

// reference returns how a route refers to a channel.
func reference(name string) string {
	if hclsyntax.ValidIdentifier(name) {
		return "channel." + name
	}
	return text(name)
}

// names reports whether an expression is a reference to the channel, or its name.
func names(e hclsyntax.Expression, channel string) bool {
	if v, diags := e.Value(nil); !diags.HasErrors() {
		return v.Type() == cty.String && v.IsKnown() && !v.IsNull() && isNamed(v.AsString(), channel)
	}
	t, diags := hcl.AbsTraversalForExpr(e)
	if diags.HasErrors() || t.RootName() != "channel" || len(t) != 2 {
		return false
	}
	switch step := t[1].(type) {
	case hcl.TraverseAttr:
		return isNamed(step.Name, channel)
	case hcl.TraverseIndex:
		return step.Key.Type() == cty.String && isNamed(step.Key.AsString(), channel)
	}
	return false
}

// isNamed reports whether a name is that of a channel, which is masked if it looks like a key.
func isNamed(name, channel string) bool {
	return name == channel || redact.KeyLike(name) == channel
}

// ChangeChannel changes the settings that c has.
func (d *Document) ChangeChannel(name string, c Channel) error {
	p := place{d, "channel", name}
	for _, a := range c.attributes() {
		err := error(nil)
		if a[1] == "" {
			err = p.remove(a[0])
		} else {
			err = p.set(a[0], a[1])
		}
		if err != nil {
			return err
		}
	}
	if c.Keys == nil {
		return nil
	}
	return d.replaceKeys(p, *c.Keys)
}

// RemoveChannel removes the channel, also from the routes that name it.
func (d *Document) RemoveChannel(name string) error {
	f, b, err := d.block("channel", name)
	if err != nil {
		return err
	}
	f.cut(b.TypeRange.Start.Byte, b.CloseBraceRange.End.Byte)
	for {
		err := d.each("route", func(f *file, b *hclsyntax.Block) error {
			tuple, _ := tupleOf(b, "channels")
			if tuple == nil {
				return nil
			}
			i := slices.IndexFunc(tuple.Exprs, func(e hclsyntax.Expression) bool { return names(e, name) })
			if i < 0 {
				return nil
			}
			f.drop(tuple, i)
			return errChanged
		})
		if !errors.Is(err, errChanged) {
			return err
		}
	}
}

// AddKey adds a key to a channel: as a block if it has a label, else at the end of the list of
// keys.
func (d *Document) AddKey(channel string, k Key) error {
	p := place{d, "channel", channel}
	if k.Label != "" {
		return p.add("key", k.Label, [][2]string{{"value", text(k.Value)}})
	}
	f, b, err := p.find()
	if err != nil {
		return err
	}
	a := b.Body.Attributes["keys"]
	if a == nil {
		return p.set("keys", "["+text(k.Value)+"]")
	}
	if tuple, ok := a.Expr.(*hclsyntax.TupleConsExpr); ok {
		f.push(tuple, text(k.Value))
		return nil
	}
	// The list is computed, so a block is added beside it.
	return p.add("key", freeLabel(b), [][2]string{{"value", text(k.Value)}})
}

func freeLabel(b *hclsyntax.Block) string {
	for n := 1; ; n++ {
		label := fmt.Sprintf("added-%d", n)
		if keyBlock(b, label) == nil {
			return label
		}
	}
}

func keyBlock(b *hclsyntax.Block, label string) *hclsyntax.Block {
	for _, inside := range b.Body.Blocks {
		if inside.Type == "key" && len(inside.Labels) == 1 && inside.Labels[0] == label {
			return inside
		}
	}
	return nil
}

// RemoveKey removes a key that was read from this text.
func (d *Document) RemoveKey(channel string, k *config.Key) error {
	f, b, err := d.block("channel", channel)
	if err != nil {
		return err
	}
	for _, inside := range b.Body.Blocks {
		labeled := k.Label != "" && inside.Type == "key" && slices.Equal(inside.Labels, []string{k.Label})
		if labeled || inside.DefRange() == k.Range { // a label that looks like a key is not read
			f.cut(inside.TypeRange.Start.Byte, inside.CloseBraceRange.End.Byte)
			return nil
		}
	}
	if tuple, ok := tupleOf(b, "keys"); ok {
		for i, e := range tuple.Exprs {
			if e.Range() == k.Range {
				f.drop(tuple, i)
				return nil
			}
		}
	}
	return fmt.Errorf("the key is computed, together with others, at %s:%d: change it there", k.Range.Filename, k.Range.Start.Line)
}

// replaceKeys replaces all keys.
func (d *Document) replaceKeys(p place, keys []Key) error {
	if err := p.remove("keys"); err != nil {
		return err
	}
	for {
		f, b, err := p.find()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(b.Body.Blocks, func(inside *hclsyntax.Block) bool { return inside.Type == "key" })
		if i < 0 {
			break
		}
		f.cut(b.Body.Blocks[i].TypeRange.Start.Byte, b.Body.Blocks[i].CloseBraceRange.End.Byte)
	}
	for _, k := range keys {
		if err := d.AddKey(p.label, k); err != nil {
			return err
		}
	}
	return nil
}
