package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// deriveSchema reads the schema off a settings struct, or a pointer to one.
func deriveSchema(settings any) (*Schema, error) {
	if settings == nil {
		return &Schema{}, nil
	}
	v := reflect.Indirect(reflect.ValueOf(settings))
	if v.Kind() != reflect.Struct {
		return nil, fmt.Errorf("settings must be a struct, not %T", settings)
	}
	return schemaOf(v, 0)
}

// maxDepth bounds nested blocks, and so catches a type that holds itself.
const maxDepth = 8

func schemaOf(v reflect.Value, depth int) (*Schema, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: blocks are nested more than %d deep", v.Type(), maxDepth)
	}
	fields, err := fieldsOf(v.Type())
	if err != nil {
		return nil, err
	}
	schema := &Schema{}
	for _, f := range fields {
		switch f.role {
		case roleAttribute:
			err = schema.addAttribute(f, v.Field(f.index))
		case roleBlock:
			err = schema.addBlock(f, v.Field(f.index), depth)
		}
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", v.Type(), v.Type().Field(f.index).Name, err)
		}
	}
	return schema, nil
}

func (s *Schema) addAttribute(f field, v reflect.Value) error {
	kind, format, err := typeOf(v.Type())
	if err != nil {
		return err
	}
	typ, err := json.Marshal(kind)
	if err != nil {
		return err
	}
	a := Attribute{
		Name: f.name, Type: typ, Format: format, Required: !f.optional,
		Enum: f.enum, Sensitive: f.sensitive, Doc: f.doc,
	}
	if f.optional && !v.IsZero() {
		if a.Default, err = encodeValue(v); err != nil {
			return err
		}
	}
	s.Attributes = append(s.Attributes, a)
	return nil
}

func (s *Schema) addBlock(f field, v reflect.Value, depth int) error {
	element, repeated, required, err := blockShape(v.Type())
	if err != nil {
		return err
	}
	inner := reflect.Zero(element)
	if !repeated && reflect.Indirect(v).IsValid() {
		inner = reflect.Indirect(v)
	}
	schema, err := schemaOf(inner, depth+1)
	if err != nil {
		return err
	}
	fields, _ := fieldsOf(element)
	_, labeled := labelOf(fields)
	if labeled && !repeated {
		return errors.New("a block with a label must be a slice")
	}
	s.Blocks = append(s.Blocks, Block{
		Name: f.name, Doc: f.doc, Labelled: labeled, Repeated: repeated,
		Required: required, Schema: schema,
	})
	return nil
}

// typeOf returns the cty type of a Go type in its JSON form. The format is that
// of a plain string: what a collection holds is checked by Decode alone.
func typeOf(t reflect.Type) (any, Format, error) {
	switch t {
	case durationType:
		return "string", FormatDuration, nil
	case sizeType:
		return "string", FormatSize, nil
	}
	switch t.Kind() {
	case reflect.String:
		return "string", "", nil
	case reflect.Bool:
		return "bool", "", nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		return "number", "", nil
	case reflect.Pointer:
		return typeOf(t.Elem())
	case reflect.Slice:
		return collectionOf("list", t)
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return collectionOf("map", t)
		}
	}
	return nil, "", fmt.Errorf("a setting cannot be a %s", t)
}

func collectionOf(name string, t reflect.Type) (any, Format, error) {
	element, _, err := typeOf(t.Elem())
	return []any{name, element}, "", err
}
