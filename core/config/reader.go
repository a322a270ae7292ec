package config

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// reader reads the attributes and blocks of one block. Any that were not read when done is
// called are errors.
type reader struct {
	loader     *loader
	what       string // `in channel "primary"`
	at         hcl.Range
	attributes hclsyntax.Attributes
	blocks     hclsyntax.Blocks
	asked      []string          // attributes that were read
	opened     []string          // blocks that were read
	forms      map[string]string // how they are written
	absent     []missingSetting
}

func (l *loader) reader(b *hclsyntax.Block, what string) *reader {
	return &reader{loader: l, what: what, at: b.DefRange(), attributes: b.Body.Attributes, blocks: b.Body.Blocks}
}

// attribute returns the attribute, nil if it is not set.
func (r *reader) attribute(name string) *hclsyntax.Attribute {
	r.asked = append(r.asked, name)
	return r.attributes[name]
}

// value evaluates an attribute; ok is false after it reported an error.
func (r *reader) value(a *hclsyntax.Attribute) (v cty.Value, ok bool) {
	return r.loader.Value(a.Expr, false)
}

// get evaluates an attribute and converts it to a type. It removes the mark of secrets, so the
// caller decides whether the value may be shown.
func (r *reader) get(name string, t cty.Type) (v cty.Value, a *hclsyntax.Attribute, ok bool) {
	a = r.attribute(name)
	if a == nil {
		return v, nil, false
	}
	v, ok = r.value(a)
	if !ok {
		return v, a, false
	}
	v, _ = v.UnmarkDeep()
	return r.typed(a, v, t)
}

func (r *reader) typed(a *hclsyntax.Attribute, v cty.Value, t cty.Type) (cty.Value, *hclsyntax.Attribute, bool) {
	if v.IsNull() {
		return v, a, false // as if it was not set
	}
	out, err := as(v, t)
	if err == nil && !quoted(v, t) {
		err = fmt.Errorf("expected a quoted string")
		if t != cty.String {
			err = fmt.Errorf("expected %s, each in quotes", typeName(t))
		}
	}
	if err != nil {
		r.wrong(a, err.Error())
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

// wrong reports an error in the value of an attribute.
func (r *reader) wrong(a *hclsyntax.Attribute, detail string) {
	r.loader.Fail(a.Expr.Range(), fmt.Sprintf("Invalid value for %q", a.Name), wording.Sentence(r.withoutValue(a, detail)))
}

func (r *reader) text(name string, into *string) *hclsyntax.Attribute {
	v, a, ok := r.get(name, cty.String)
	if ok {
		*into = v.AsString()
	}
	return a
}

func (r *reader) boolean(name string, into *bool) {
	if v, _, ok := r.get(name, cty.Bool); ok {
		*into = v.True()
	}
}

func (r *reader) number(name string, into *float64, least, most float64) {
	v, a, ok := r.get(name, cty.Number)
	if !ok {
		return
	}
	n, _ := v.AsBigFloat().Float64()
	if n < least || n > most || math.IsInf(n, 0) {
		r.wrong(a, fmt.Sprintf("%s is out of range: expected a number from %s to %s", digits(n), digits(least), digits(most)))
		return
	}
	*into = n
}

// digits writes a number as a user would.
func digits(n float64) string {
	if math.Abs(n) < 1e15 {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return strconv.FormatFloat(n, 'g', -1, 64)
}

func (r *reader) integer(name string, into *int, least, most int) {
	n := float64(*into)
	r.number(name, &n, float64(least), float64(most))
	if n != math.Trunc(n) {
		r.wrong(r.attributes[name], fmt.Sprintf("%s is not a whole number: write %s or %s", digits(n), digits(math.Floor(n)), digits(math.Ceil(n))))
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
	return digits(n), true
}

// unit reads a string with a unit. A number without one has an error of its own.
func unit[T any](r *reader, name string, into *T, parse func(string) (T, error)) {
	a := r.attribute(name)
	if a == nil {
		return
	}
	v, ok := r.value(a)
	if !ok {
		return
	}
	v, _ = v.UnmarkDeep()
	if n, bare := bareNumber(v); bare {
		if _, err := parse(n); err != nil {
			r.wrong(a, strings.Replace(err.Error(), fmt.Sprintf("%q", n), n, 1))
			return
		}
	}
	if v, a, ok = r.typed(a, v, cty.String); !ok {
		return
	}
	parsed, err := parse(v.AsString())
	if err != nil {
		r.wrong(a, err.Error())
		return
	}
	*into = parsed
}

// duration reads a duration; positive means that 0 is not allowed.
func (r *reader) duration(name string, into *time.Duration, positive bool) {
	unit(r, name, into, func(s string) (time.Duration, error) {
		d, err := parseDuration(s)
		if err == nil && d == 0 && positive {
			err = fmt.Errorf("%q is not allowed: expected a duration greater than 0", s)
		}
		return d, err
	})
}

func (r *reader) size(name string, into *int64) { unit(r, name, into, parseSize) }

func (r *reader) texts(name string, into *[]string) *hclsyntax.Attribute {
	v, a, ok := r.get(name, cty.List(cty.String))
	if !ok {
		return a
	}
	*into = []string{}
	for _, e := range v.AsValueSlice() {
		if e.IsNull() {
			r.wrong(a, "an entry is null: remove it")
			return a
		}
		*into = append(*into, e.AsString())
	}
	return a
}

// models reads patterns of models.
func (r *reader) models(into *[]string) {
	a := r.texts("models", into)
	if *into != nil && len(*into) == 0 {
		r.wrong(a, "the list is empty: remove it to accept every model")
	}
	for _, p := range *into {
		if p == "" || strings.ContainsAny(p, " ,\t\n") {
			r.wrong(a, fmt.Sprintf("%q is not a valid model: each entry is one name, in which * matches any characters, such as \"gpt-*\"", p))
		}
	}
}

func (r *reader) textMap(name string, into *map[string]string) {
	v, _, ok := r.get(name, cty.Map(cty.String))
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

// each returns the blocks of a type with readers of their own.
func (r *reader) each(kind string, labels ...string) (all []*hclsyntax.Block) {
	r.opened = append(r.opened, kind)
	if r.forms == nil {
		r.forms = map[string]string{}
	}
	r.forms[kind] = kind + strings.Repeat(` "NAME"`, len(labels))
	for _, b := range r.blocks {
		if b.Type == kind && r.loader.HasLabels(b, labels...) {
			all = append(all, b)
		}
	}
	return all
}

// one returns the only block of a type, nil if there is none.
func (r *reader) one(kind string, labels ...string) *hclsyntax.Block {
	all := r.each(kind, labels...)
	for _, b := range all[min(1, len(all)):] {
		r.loader.Fail(b.DefRange(), "Duplicate block", fmt.Sprintf("A %s block is already declared %s; only one is allowed.", kind, r.what))
	}
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// mayBeSecret marks the literals of a range as possible secrets.
func (r *reader) mayBeSecret(at hcl.Range) {
	if s := r.loader.Sources[at.Filename]; s != nil {
		s.AddUnknown(at)
	}
}

// otherNames maps names of settings in other programs to ours.
var otherNames = map[string]string{
	"base_url": "target", "baseurl": "target", "api_base": "target", "url": "target", "endpoint": "target", "address": "target",
	"key": "keys", "api_key": "keys", "apikey": "keys", "api_keys": "keys", "token": "keys",
	"hostname": "host", "username": "user", "identity_file": "identity", "identityfile": "identity", "private_key": "identity", "proxy_jump": "jump", "proxyjump": "jump",
}

// knownAs returns the setting that has this name in other programs, "" if there is none here.
func knownAs(name string, here []string) string {
	if other := otherNames[strings.ToLower(name)]; slices.Contains(here, other) {
		return other
	}
	return ""
}

// missingSetting is a required setting that is not set.
type missingSetting struct{ name, summary, detail string }

// unlessMisspelled reports that a setting is missing, unless a misspelled form of it
// is reported.
func (r *reader) unlessMisspelled(name, summary, detail string) {
	r.absent = append(r.absent, missingSetting{name, summary, detail})
}

// misspelled reports whether an unknown attribute is meant as the setting.
func (r *reader) misspelled(name string) bool {
	for given := range r.attributes {
		if !slices.Contains(r.asked, given) && cmp.Or(knownAs(given, r.asked), wording.Nearest(given, r.asked)) == name {
			return true
		}
	}
	return false
}

// done reports every attribute and block that is unknown here, and what is missing.
func (r *reader) done() {
	for _, a := range r.absent {
		if !r.misspelled(a.name) {
			r.loader.Fail(r.at, a.summary, a.detail)
		}
	}
	r.absent = nil
	for _, name := range slices.Sorted(maps.Keys(r.attributes)) {
		if slices.Contains(r.asked, name) {
			continue
		}
		a := r.attributes[name]
		r.mayBeSecret(a.Expr.Range())
		detail := fmt.Sprintf("There is no %q %s. %s", name, r.what, wording.Instead(cmp.Or(knownAs(name, r.asked), name), r.asked))
		if slices.Contains(r.opened, name) {
			detail = fmt.Sprintf("%q is a block: write %s { … } without an equals sign.", name, r.forms[name])
			if other := knownAs(name, r.asked); other != "" {
				detail = fmt.Sprintf("%q is a block, %s { … }. Did you mean %q?", name, r.forms[name], other)
			}
		}
		if name == "port" && slices.Contains(r.asked, "host") {
			detail = fmt.Sprintf("There is no %q %s: it is part of host, as in \"203.0.113.10:2222\".", name, r.what)
		}
		r.loader.Fail(a.NameRange, "Unknown setting", strings.TrimSpace(detail))
	}
	for _, b := range r.blocks {
		if slices.Contains(r.opened, b.Type) {
			continue
		}
		r.mayBeSecret(b.Body.Range())
		detail := fmt.Sprintf("There is no block %q %s. %s", b.Type, r.what, wording.Instead(b.Type, r.opened))
		if slices.Contains(r.asked, b.Type) {
			detail = fmt.Sprintf("%q is a setting: write %s = … with an equals sign.", b.Type, b.Type)
		}
		r.loader.Fail(b.TypeRange, "Unknown block", strings.TrimSpace(detail))
	}
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
