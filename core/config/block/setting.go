package block

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/zclconf/go-cty/cty"
)

// Setting is one setting of a block, as the tags of a field declare it:
//
//	hcl:"name[,role]"  without a role, a required attribute; optional: an attribute
//	                   with a default; block: a nested block; custom, blocks and
//	                   component: an attribute, nested blocks, and blocks of
//	                   components that the caller reads
//	doc:"…"            what it is for, in whole sentences
//	form:"…"           the form of a string: see Types.Forms
//	enum:"a,b"         the values that a string may have
//	min:"0" max:"9"    the limits of a number
//	zero:"true"        a duration may be 0
//	default:"…"        the default in words, if it is not the value of the field
//	required:"true"    a custom attribute is required
//	block:"…"          a block that can be written instead of the attribute
//	type:"…"           the type in words, if the caller reads it
//	example:"…"        a value for the generated example; an expression if it
//	                   begins with a bracket or calls a function
//	sample:"…"         a value for the generated example, in a comment
type Setting struct {
	Index    int // of the field
	Name     string
	Role     Role
	Doc      string
	Enum     []string
	Min, Max float64
	Example  string // its value in the example
	Sample   string // its value in the example, in a comment
	Default  string // in words
	Type     string // in words
	Required bool
	Block    string // a block that can be written instead of the attribute

	form string
	zero bool
}

// Role says how a setting is written, and which code reads it.
type Role string

// The roles of settings, as the tag hcl names them.
const (
	RoleRequired  Role = ""
	RoleOptional  Role = "optional"
	RoleCustom    Role = "custom"
	RoleBlock     Role = "block"
	RoleBlocks    Role = "blocks"
	RoleComponent Role = "component"
)

// IsBlock reports whether the setting is a block.
func (r Role) IsBlock() bool { return r == RoleBlock || r == RoleBlocks || r == RoleComponent }

var settingsByType sync.Map // reflect.Type: []Setting

// Settings returns the settings that a struct declares, in the order of its
// fields.
func Settings(t reflect.Type) []Setting {
	if known, ok := settingsByType.Load(t); ok {
		return known.([]Setting)
	}
	var out []Setting
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("hcl")
		if !ok {
			continue
		}
		s := parseSetting(t.Field(i), i, tag)
		if d, ok := reflect.Zero(t).Interface().(documented); ok {
			s.Doc = d.SettingDoc(s.Name)
		}
		out = append(out, s)
	}
	settingsByType.Store(t, out)
	return out
}

// documented is a struct that has the documentation of its settings, instead of tags.
type documented interface{ SettingDoc(name string) string }

func parseSetting(f reflect.StructField, index int, tag string) Setting {
	name, option, _ := strings.Cut(tag, ",")
	s := Setting{
		Index: index, Name: name, Role: Role(option), Doc: f.Tag.Get("doc"), form: f.Tag.Get("form"),
		zero: f.Tag.Get("zero") != "", Example: f.Tag.Get("example"), Sample: f.Tag.Get("sample"), Default: f.Tag.Get("default"), Type: f.Tag.Get("type"), Block: f.Tag.Get("block"),
	}
	s.Required = s.Role == RoleRequired || f.Tag.Get("required") != ""
	if enum := f.Tag.Get("enum"); enum != "" {
		s.Enum = strings.Split(enum, ",")
	}
	s.Min, s.Max = limitTag(f, "min"), limitTag(f, "max")
	if s.Type == "" && !s.Role.IsBlock() {
		s.Type = typeWords(f.Type)
	}
	return s
}

func limitTag(f reflect.StructField, name string) float64 {
	tag, ok := f.Tag.Lookup(name)
	if !ok {
		return 0
	}
	n, err := strconv.ParseFloat(tag, 64)
	if err != nil {
		panic(fmt.Sprintf("field %s: %s is not a number: %q", f.Name, name, tag)) // a mistake in the declaration, found by every test
	}
	return n
}

// typeWords returns the type of an attribute as the documentation names it.
func typeWords(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[int64]():
		return "size"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Pointer:
		return typeWords(t.Elem())
	case reflect.Int:
		return "whole number"
	case reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list of " + plural(ctyType(t.Elem()))
	case reflect.Map:
		return "map of " + plural(ctyType(t.Elem()))
	}
	return "string"
}

func ctyType(t reflect.Type) cty.Type {
	if t.Kind() == reflect.Int {
		return cty.Number
	}
	return cty.String
}

// Decode reads the settings that a struct declares into its fields, except those of the roles custom, blocks
// and component. A field whose setting is not set keeps its value, the default.
func (r *Reader) Decode(into any) {
	v := reflect.ValueOf(into).Elem()
	for _, s := range Settings(v.Type()) {
		field := v.Field(s.Index)
		switch s.Role {
		case RoleRequired, RoleOptional:
			r.decodeAttribute(s, field.Addr().Interface())
		case RoleBlock:
			if b := r.One(s.Name); b != nil {
				inner := r.inside(b, fmt.Sprintf("in %s of %s", s.Name, strings.TrimPrefix(r.what, "in ")))
				inner.Decode(field.Addr().Interface())
				inner.Done()
			}
		}
	}
}

func (r *Reader) decodeAttribute(s Setting, into any) {
	if s.Role == RoleRequired && r.Attributes[s.Name] == nil {
		r.Missing(s.Name, s.Doc)
	}
	switch into := into.(type) {
	case *string:
		r.String(s, into)
	case *bool:
		r.boolean(s.Name, into)
	case **bool:
		if r.Attribute(s.Name) != nil {
			*into = new(bool)
			**into = true
			r.boolean(s.Name, *into)
		}
	case *int:
		r.Integer(s.Name, into, int(s.Min), int(s.Max))
	case **float64:
		if r.Attribute(s.Name) != nil {
			*into = new(float64)
			r.number(s.Name, *into, s.Min, s.Max)
		}
	case *float64:
		r.number(s.Name, into, s.Min, s.Max)
	case *time.Duration:
		r.duration(s.Name, into, !s.zero)
	case *int64:
		r.size(s.Name, into)
	case *[]string:
		r.Texts(s.Name, into)
	case *map[string]string:
		r.textMap(s.Name, into)
	default:
		if !r.types.Decode(r, s, into) {
			panic(fmt.Sprintf("a setting cannot be a %T", into)) // a mistake in the declaration, found by every test
		}
	}
}

// Missing reports that a setting is required.
func (r *Reader) Missing(name, doc string) {
	r.UnlessMisspelled(name, "Missing setting", strings.TrimSpace(fmt.Sprintf("%q is required %s. %s", name, r.what, wording.Sentence(doc))))
}

// String reads a string, and converts it to its form.
func (r *Reader) String(s Setting, into *string) {
	if s.Enum != nil {
		r.Choice(s.Name, into, s.Enum...)
		return
	}
	value := *into
	a := r.Text(s.Name, &value)
	if a == nil || value == *into {
		return
	}
	if form := r.types.Forms[s.form]; form != nil {
		formed, err := form(r.ev, value)
		if err != nil {
			r.Wrong(a, err.Error())
			return
		}
		value = formed
	}
	*into = value
}

// Choice reads one of several words.
func (r *Reader) Choice(name string, into *string, words ...string) {
	value := *into
	a := r.Text(name, &value)
	if a == nil || value == *into {
		return
	}
	if !slices.Contains(words, value) {
		r.Wrong(a, fmt.Sprintf("%q is not one of %s. %s", value, wording.List(words), wording.DidYouMean(value, words)))
		return
	}
	*into = value
}
