package block

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config/eval"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Types are the types of settings that a caller adds to those of this package.
type Types struct {
	// Forms convert a string to the form that the program uses, or return what is wrong with it. A setting names
	// its form in a tag. The default is not converted.
	Forms map[string]func(ev *eval.Evaluator, s string) (string, error)

	// Decode reads a setting of one of the caller's types. It returns false for any other type.
	Decode func(r *Reader, s Setting, into any) bool
}

// Reader reads the attributes and nested blocks of a block. When [Reader.Done] is called, those that were not
// read are errors.
type Reader struct {
	At         hcl.Range
	Attributes hclsyntax.Attributes

	ev      *eval.Evaluator
	types   *Types
	what    string // where the settings are, such as `in channel "primary"`
	blocks  hclsyntax.Blocks
	known   []string          // the attributes that were asked for
	opened  []string          // the types of blocks that were asked for
	forms   map[string]string // how blocks are written, by type
	missing []missingSetting
}

// NewReader returns a reader of a block. Messages use what to say where its settings are, such as `in channel
// "primary"`.
func NewReader(ev *eval.Evaluator, types *Types, b *hclsyntax.Block, what string) *Reader {
	return &Reader{ev: ev, types: types, what: what, At: b.DefRange(), Attributes: b.Body.Attributes, blocks: b.Body.Blocks}
}

// NewTopReader returns a reader of the attributes outside of blocks.
func NewTopReader(ev *eval.Evaluator, types *Types, attributes hclsyntax.Attributes) *Reader {
	return &Reader{ev: ev, types: types, what: "at the top level", Attributes: attributes}
}

// inside returns a reader of a block in this one.
func (r *Reader) inside(b *hclsyntax.Block, what string) *Reader {
	return NewReader(r.ev, r.types, b, what)
}

// Attribute returns the attribute, nil if it is not set.
func (r *Reader) Attribute(name string) *hclsyntax.Attribute {
	r.known = append(r.known, name)
	return r.Attributes[name]
}

// Value evaluates an attribute; ok is false after it reported an error.
func (r *Reader) Value(a *hclsyntax.Attribute) (v cty.Value, ok bool) {
	return r.ev.Value(a.Expr, false)
}

// Get evaluates an attribute and converts its value to a type. The value is no longer marked as a secret, so the
// caller must know whether it may be shown.
func (r *Reader) Get(name string, t cty.Type) (v cty.Value, a *hclsyntax.Attribute, ok bool) {
	a = r.Attribute(name)
	if a == nil {
		return v, nil, false
	}
	v, ok = r.Value(a)
	if !ok {
		return v, a, false
	}
	v, _ = v.UnmarkDeep()
	return r.Typed(a, v, t)
}

// Typed converts the value of an attribute to a type. ok is false if the value is null, which means that the
// attribute is not set, or after an error was reported.
func (r *Reader) Typed(a *hclsyntax.Attribute, v cty.Value, t cty.Type) (cty.Value, *hclsyntax.Attribute, bool) {
	if v.IsNull() {
		return v, a, false
	}
	out, err := Convert(v, t)
	if err == nil && !quoted(v, t) {
		err = fmt.Errorf("expected a quoted string")
		if t != cty.String {
			err = fmt.Errorf("expected %s, each in quotes", typeName(t))
		}
	}
	if err != nil {
		r.Wrong(a, err.Error())
		return v, a, false
	}
	return out, a, true
}

// quoted reports whether v has strings where t expects them: a number would lose its leading
// zeros.
func quoted(v cty.Value, t cty.Type) bool {
	switch {
	case v.IsNull():
		return true
	case t == cty.String:
		return v.Type() == cty.String
	case !t.IsCollectionType() || !v.CanIterateElements():
		return true
	}
	for _, e := range v.Elements() {
		if !quoted(e, t.ElementType()) {
			return false
		}
	}
	return true
}

// Wrong reports an error in the value of an attribute.
func (r *Reader) Wrong(a *hclsyntax.Attribute, detail string) {
	r.ev.Fail(a.Expr.Range(), fmt.Sprintf("Invalid value for %q", a.Name), wording.Sentence(r.withoutValue(a, detail)))
}

// Text reads a string.
func (r *Reader) Text(name string, into *string) *hclsyntax.Attribute {
	v, a, ok := r.Get(name, cty.String)
	if ok {
		*into = v.AsString()
	}
	return a
}

func (r *Reader) boolean(name string, into *bool) {
	if v, _, ok := r.Get(name, cty.Bool); ok {
		*into = v.True()
	}
}

func (r *Reader) number(name string, into *float64, least, most float64) {
	v, a, ok := r.Get(name, cty.Number)
	if !ok {
		return
	}
	n, _ := v.AsBigFloat().Float64()
	if n < least || n > most || math.IsInf(n, 0) {
		r.Wrong(a, fmt.Sprintf("%s is out of range: expected a number from %s to %s", wording.Number(n), wording.Number(least), wording.Number(most)))
		return
	}
	*into = n
}

// Integer reads a whole number.
func (r *Reader) Integer(name string, into *int, least, most int) {
	n := float64(*into)
	r.number(name, &n, float64(least), float64(most))
	if n != math.Trunc(n) {
		r.Wrong(r.Attributes[name], fmt.Sprintf("%s is not a whole number: write %s or %s", wording.Number(n), wording.Number(math.Floor(n)), wording.Number(math.Ceil(n))))
		return
	}
	*into = int(n)
}

// bareNumber returns a number as it was written, where a string with a unit is expected.
func bareNumber(v cty.Value) (string, bool) {
	if v.IsNull() || v.Type() != cty.Number {
		return "", false
	}
	n, _ := v.AsBigFloat().Float64()
	return wording.Number(n), true
}

// unit reads a string with a unit. For a number, the error says that its unit is missing.
func unit[T any](r *Reader, name string, into *T, parse func(string) (T, error)) {
	a := r.Attribute(name)
	if a == nil {
		return
	}
	v, ok := r.Value(a)
	if !ok {
		return
	}
	v, _ = v.UnmarkDeep()
	if n, bare := bareNumber(v); bare {
		if _, err := parse(n); err != nil {
			r.Wrong(a, strings.Replace(err.Error(), fmt.Sprintf("%q", n), n, 1))
			return
		}
	}
	if v, a, ok = r.Typed(a, v, cty.String); !ok {
		return
	}
	parsed, err := parse(v.AsString())
	if err != nil {
		r.Wrong(a, err.Error())
		return
	}
	*into = parsed
}

// duration reads a duration; positive means that 0 is not allowed.
func (r *Reader) duration(name string, into *time.Duration, positive bool) {
	unit(r, name, into, func(s string) (time.Duration, error) {
		d, err := parseDuration(s)
		if err == nil && d == 0 && positive {
			err = fmt.Errorf("%q is not allowed: expected a duration greater than 0", s)
		}
		return d, err
	})
}

func (r *Reader) size(name string, into *int64) { unit(r, name, into, parseSize) }

// Texts reads a list of strings.
func (r *Reader) Texts(name string, into *[]string) *hclsyntax.Attribute {
	v, a, ok := r.Get(name, cty.List(cty.String))
	if !ok {
		return a
	}
	*into = []string{}
	for _, e := range v.AsValueSlice() {
		if e.IsNull() {
			r.Wrong(a, "an entry is null: remove it")
			return a
		}
		*into = append(*into, e.AsString())
	}
	return a
}

func (r *Reader) textMap(name string, into *map[string]string) {
	v, _, ok := r.Get(name, cty.Map(cty.String))
	if !ok {
		return
	}
	*into = map[string]string{}
	for k, e := range v.AsValueMap() {
		if !e.IsNull() {
			(*into)[k] = e.AsString()
		}
	}
}

// Each returns the blocks of a type.
func (r *Reader) Each(kind string, labels ...string) (all []*hclsyntax.Block) {
	r.opened = append(r.opened, kind)
	if r.forms == nil {
		r.forms = map[string]string{}
	}
	r.forms[kind] = kind + strings.Repeat(` "NAME"`, len(labels))
	for _, b := range r.blocks {
		if b.Type == kind && r.ev.HasLabels(b, labels...) {
			all = append(all, b)
		}
	}
	return all
}

// One returns the only block of a type, nil if there is none.
func (r *Reader) One(kind string, labels ...string) *hclsyntax.Block {
	all := r.Each(kind, labels...)
	for _, b := range all[min(1, len(all)):] {
		r.ev.Fail(b.DefRange(), "Duplicate block", fmt.Sprintf("A %s block is already declared %s; only one is allowed.", kind, r.what))
	}
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// otherNames are the names that other programs use for our settings.
var otherNames = map[string]string{
	"base_url": "target", "baseurl": "target", "api_base": "target", "url": "target", "endpoint": "target", "address": "target",
	"key": "keys", "api_key": "keys", "apikey": "keys", "api_keys": "keys", "token": "keys",
	"hostname": "host", "username": "user", "identity_file": "identity", "identityfile": "identity", "private_key": "identity", "proxy_jump": "jump", "proxyjump": "jump",
}

// knownAs returns which of our settings has this name in other programs, "" if none has.
func knownAs(name string, here []string) string {
	if other := otherNames[strings.ToLower(name)]; slices.Contains(here, other) {
		return other
	}
	return ""
}

// missingSetting is a required setting that is not set.
type missingSetting struct{ name, summary, detail string }

// UnlessMisspelled reports that a setting is missing, unless a misspelled form of its name is reported.
func (r *Reader) UnlessMisspelled(name, summary, detail string) {
	r.missing = append(r.missing, missingSetting{name, summary, detail})
}

// misspelled reports whether an unknown attribute is probably a misspelled form of the name.
func (r *Reader) misspelled(name string) bool {
	for given := range r.Attributes {
		if !slices.Contains(r.known, given) && cmp.Or(knownAs(given, r.known), wording.Nearest(given, r.known)) == name {
			return true
		}
	}
	return false
}

// Done reports the attributes and blocks that were not read, and the settings that are missing.
func (r *Reader) Done() {
	for _, a := range r.missing {
		if !r.misspelled(a.name) {
			r.ev.Fail(r.At, a.summary, a.detail)
		}
	}
	r.missing = nil
	for _, name := range slices.Sorted(maps.Keys(r.Attributes)) {
		if slices.Contains(r.known, name) {
			continue
		}
		a := r.Attributes[name]
		r.ev.MayBeSecret(a.Expr.Range())
		detail := fmt.Sprintf("There is no %q %s. %s", name, r.what, wording.Instead(cmp.Or(knownAs(name, r.known), name), r.known))
		if slices.Contains(r.opened, name) {
			detail = fmt.Sprintf("%q is a block: write %s { … } without an equals sign.", name, r.forms[name])
			if other := knownAs(name, r.known); other != "" {
				detail = fmt.Sprintf("%q is a block, %s { … }. Did you mean %q?", name, r.forms[name], other)
			}
		}
		if name == "port" && slices.Contains(r.known, "host") {
			detail = fmt.Sprintf("There is no %q %s: it is part of host, as in \"203.0.113.10:2222\".", name, r.what)
		}
		r.ev.Fail(a.NameRange, "Unknown setting", strings.TrimSpace(detail))
	}
	for _, b := range r.blocks {
		if slices.Contains(r.opened, b.Type) {
			continue
		}
		r.ev.MayBeSecret(b.Body.Range())
		detail := fmt.Sprintf("There is no block %q %s. %s", b.Type, r.what, wording.Instead(b.Type, r.opened))
		if slices.Contains(r.known, b.Type) {
			detail = fmt.Sprintf("%q is a setting: write %s = … with an equals sign.", b.Type, b.Type)
		}
		r.ev.Fail(b.TypeRange, "Unknown block", strings.TrimSpace(detail))
	}
}

// Convert converts a value to a type. The error says which type is expected.
func Convert(v cty.Value, t cty.Type) (cty.Value, error) {
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
