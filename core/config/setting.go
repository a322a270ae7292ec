package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/zclconf/go-cty/cty"
)

// setting is one setting of a block, as the tags of a field declare it:
//
//	hcl:"name[,role]"  no role: a required attribute; optional: one that has a
//	                   default; custom: an attribute that code of its own reads;
//	                   block: a nested block; blocks: nested blocks, and
//	                   component: blocks of components, that code of its own reads
//	doc:"…"            what it is for, in whole sentences
//	form:"…"           the form of a string or of the entries of a list: see forms
//	enum:"a,b"         the only values of a string
//	min:"0" max:"9"    of a number
//	zero:"true"        of a duration that may be 0
//	default:"…"        the default in words, if the value is not the default
//	required:"true"    of a custom attribute that cannot be left out
//	block:"…"          a repeated block that is another form of the attribute
//	type:"…"           the type of a custom attribute in words
//	example:"…"        a value for the generated example; an expression if it
//	                   begins with a bracket or calls a function
//	sample:"…"         the same, in a comment
type setting struct {
	index    int
	name     string
	role     role
	doc      string
	form     string
	enum     []string
	min, max float64
	zero     bool
	example  string // shown in the example as it is
	sample   string // shown there in a comment
	words    string // the default in words
	typeName string
	required bool
	block    string // a block that is another form of the attribute
}

type role string

const (
	roleRequired  role = ""
	roleOptional  role = "optional"
	roleCustom    role = "custom"
	roleBlock     role = "block"
	roleBlocks    role = "blocks"
	roleComponent role = "component"
)

func (r role) isBlock() bool { return r == roleBlock || r == roleBlocks || r == roleComponent }

var settingsByType sync.Map // reflect.Type: []setting

// settingsOf returns the settings that a struct declares, in the order of its
// fields.
func settingsOf(t reflect.Type) []setting {
	if known, ok := settingsByType.Load(t); ok {
		return known.([]setting)
	}
	var out []setting
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("hcl")
		if !ok {
			continue
		}
		s := parseSetting(t.Field(i), i, tag)
		if t == reflect.TypeFor[verdictSettings]() {
			s.doc = verdictDoc(s.name)
		}
		out = append(out, s)
	}
	settingsByType.Store(t, out)
	return out
}

func parseSetting(f reflect.StructField, index int, tag string) setting {
	name, option, _ := strings.Cut(tag, ",")
	s := setting{
		index: index, name: name, role: role(option), doc: f.Tag.Get("doc"), form: f.Tag.Get("form"),
		zero: f.Tag.Get("zero") != "", example: f.Tag.Get("example"), sample: f.Tag.Get("sample"), words: f.Tag.Get("default"), typeName: f.Tag.Get("type"), block: f.Tag.Get("block"),
	}
	s.required = s.role == roleRequired || f.Tag.Get("required") != ""
	if enum := f.Tag.Get("enum"); enum != "" {
		s.enum = strings.Split(enum, ",")
	}
	s.min, s.max = limit(f, "min"), limit(f, "max")
	if s.typeName == "" && !s.role.isBlock() {
		s.typeName = typeWords(f.Type)
	}
	return s
}

func limit(f reflect.StructField, name string) float64 {
	tag, ok := f.Tag.Lookup(name)
	if !ok {
		return 0
	}
	n, err := strconv.ParseFloat(tag, 64)
	if err != nil {
		panic(fmt.Sprintf("field %s: %s is not a number: %q", f.Name, name, tag)) // a mistake in this package, found by every test
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
	case reflect.TypeFor[Secret]():
		return "secret string"
	case reflect.TypeFor[[]Secret]():
		return "list of secret strings"
	case reflect.TypeFor[map[string]Secret]():
		return "map of secret strings"
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

// decode reads all settings that a struct declares, except those of role custom, blocks and
// component. A setting that is not set keeps its value, the default.
func (r *reader) decode(into any) {
	v := reflect.ValueOf(into).Elem()
	for _, s := range settingsOf(v.Type()) {
		field := v.Field(s.index)
		switch s.role {
		case roleRequired, roleOptional:
			r.decodeAttribute(s, field.Addr().Interface())
		case roleBlock:
			if b := r.one(s.name); b != nil {
				inner := r.loader.reader(b, fmt.Sprintf("in %s of %s", s.name, strings.TrimPrefix(r.what, "in ")))
				inner.decode(field.Addr().Interface())
				inner.done()
			}
		}
	}
}

func (r *reader) decodeAttribute(s setting, into any) {
	if s.role == roleRequired && r.attributes[s.name] == nil {
		r.missing(s.name, s.doc)
	}
	switch into := into.(type) {
	case *string:
		r.string(s, into)
	case *Backoff:
		r.string(s, (*string)(into))
	case *bool:
		r.boolean(s.name, into)
	case **bool:
		if r.attribute(s.name) != nil {
			*into = new(bool)
			**into = true
			r.boolean(s.name, *into)
		}
	case *int:
		r.integer(s.name, into, int(s.min), int(s.max))
	case **float64:
		if r.attribute(s.name) != nil {
			*into = new(float64)
			r.number(s.name, *into, s.min, s.max)
		}
	case *float64:
		r.number(s.name, into, s.min, s.max)
	case *time.Duration:
		r.duration(s.name, into, !s.zero)
	case *int64:
		r.size(s.name, into)
	case *Concurrent:
		r.concurrent(s.name, into, 1000000)
	case *[]string:
		r.texts(s.name, into)
	case *[]int:
		r.statuses(s.name, into)
	case *map[string]string:
		r.textMap(s.name, into)
	case *Secret:
		r.secret(s.name, into)
	case *[]Secret:
		*into, _ = r.secretList(s.name)
	case *map[string]Secret:
		r.secretMap(s.name, into)
	default:
		panic(fmt.Sprintf("a setting cannot be a %T", into)) // a mistake in this package, found by every test
	}
}

func (r *reader) missing(name, doc string) {
	r.unlessMisspelled(name, "Missing setting", strings.TrimSpace(fmt.Sprintf("%q is required %s. %s", name, r.what, wording.Sentence(doc))))
}

// string reads a string, and converts it to its form.
func (r *reader) string(s setting, into *string) {
	if s.enum != nil {
		r.choice(s.name, into, s.enum...)
		return
	}
	value := *into
	a := r.text(s.name, &value)
	if a == nil || value == *into {
		return
	}
	if form := forms[s.form]; form != nil {
		formed, err := form(r.loader, value)
		if err != nil {
			r.wrong(a, err.Error())
			return
		}
		value = formed
	}
	*into = value
}

// forms convert a string that is not the default to the form that the program uses, or return
// what is wrong with it.
var forms = map[string]func(l *loader, s string) (string, error){
	"address":            func(_ *loader, s string) (string, error) { return s, checkAddress(s) },
	"address or empty":   addressOrEmpty,
	"SHA-256":            checkHash,
	"time zone":          checkZone,
	"hours":              checkHours,
	"file":               func(l *loader, s string) (string, error) { return l.ResolvePath(s), nil },
	"file at home":       func(l *loader, s string) (string, error) { return l.resolveUnlessHome(s), nil },
	"host key":           func(_ *loader, s string) (string, error) { return s, checkHostKey(s) },
	"jump hosts":         func(_ *loader, s string) (string, error) { return s, checkJumps(s) },
	"SSH host":           func(_ *loader, s string) (string, error) { return s, checkHost(s) },
	"minisign key":       func(_ *loader, s string) (string, error) { return s, checkSigningKey(s) },
	"plugin source":      func(l *loader, s string) (string, error) { return l.pluginSource(s) },
	"version constraint": func(_ *loader, s string) (string, error) { return s, checkConstraint(s) },
}

func addressOrEmpty(_ *loader, s string) (string, error) {
	if s == "" {
		return "", nil
	}
	return s, checkAddress(s)
}

// resolveUnlessHome resolves a path, except one in the home directory, which is resolved when
// the file is used.
func (l *loader) resolveUnlessHome(path string) string {
	if path == "" || path == "~" || strings.HasPrefix(path, "~/") {
		return path
	}
	return l.ResolvePath(path)
}
