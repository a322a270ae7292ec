package sdk

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"time"
)

// field is one tagged field of a settings struct.
type field struct {
	index     int
	name      string
	role      role
	optional  bool
	doc       string
	enum      []string
	sensitive bool
}

type role int

const (
	roleAttribute role = iota
	roleBlock
	roleLabel
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	sizeType     = reflect.TypeFor[Size]()
	nameSyntax   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9_]*$`) })
)

// fieldsOf reads the tags of a struct type. Its errors are mistakes in the
// plugin's code.
func fieldsOf(t reflect.Type) ([]field, error) {
	var fields []field
	seen := make(map[string]bool)
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("hcl")
		if !ok {
			continue
		}
		f, err := parseField(t.Field(i), tag)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, t.Field(i).Name, err)
		}
		if seen[f.name] && f.role != roleLabel {
			return nil, fmt.Errorf("%s.%s: the name %q is taken", t, t.Field(i).Name, f.name)
		}
		seen[f.name] = true
		f.index = i
		fields = append(fields, f)
	}
	return fields, nil
}

func parseField(sf reflect.StructField, tag string) (field, error) {
	name, option, _ := strings.Cut(tag, ",")
	f := field{name: name, doc: sf.Tag.Get("doc"), sensitive: sf.Tag.Get("sensitive") == "true"}
	if enum := sf.Tag.Get("enum"); enum != "" {
		f.enum = strings.Split(enum, ",")
	}
	switch option {
	case "":
	case "optional":
		f.optional = true
	case "block":
		f.role = roleBlock
	case "label":
		f.role = roleLabel
	default:
		return f, fmt.Errorf("unknown option %q in the tag hcl:%q; known are optional, block and label", option, tag)
	}
	switch {
	case !sf.IsExported():
		return f, fmt.Errorf("a field with an hcl tag must be exported")
	case !nameSyntax().MatchString(name):
		return f, fmt.Errorf("%q is not a name for an attribute: use a-z, 0-9 and _", name)
	case f.role == roleLabel && sf.Type.Kind() != reflect.String:
		return f, fmt.Errorf("a label must be a string")
	case f.enum != nil && (indirect(sf.Type).Kind() != reflect.String):
		return f, fmt.Errorf("enum is for strings")
	}
	return f, nil
}

// blockShape tells how a block field is written.
func blockShape(t reflect.Type) (element reflect.Type, repeated, required bool, err error) {
	switch {
	case t.Kind() == reflect.Slice:
		element, repeated = indirect(t.Elem()), true
	case t.Kind() == reflect.Pointer:
		element = t.Elem()
	default:
		element, required = t, true
	}
	if element.Kind() != reflect.Struct {
		err = fmt.Errorf("a block must be a struct, a pointer to one or a slice of them, not %s", t)
	}
	return element, repeated, required, err
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

func labelOf(fields []field) (field, bool) {
	for _, f := range fields {
		if f.role == roleLabel {
			return f, true
		}
	}
	return field{}, false
}
