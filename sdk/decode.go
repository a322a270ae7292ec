package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Decode reads the block into a struct with hcl tags, as described at [Factory]; into is a
// pointer to it. A required setting that is missing is an error. An optional one that is
// missing takes its default from [Factory].Settings if into points to that type, and keeps
// its value otherwise. Settings without a field are ignored. Errors in the block are a
// [*ConfigError].
func (c Config) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("%w: Decode needs a pointer to a struct, not %T", ErrInternal, into)
	}
	v = v.Elem()
	if d := reflect.Indirect(reflect.ValueOf(c.defaults)); d.IsValid() && d.Type() == v.Type() {
		body, err := encodeBody(d)
		if err != nil {
			return fmt.Errorf("%w: %s", ErrInternal, err)
		}
		if err := decodeStruct(body, v, nil); err != nil {
			return err
		}
	}
	if err := decodeStruct(c.Body, v, nil); err != nil {
		return err
	}
	return missing(c.Body, v.Type(), nil)
}

// missing returns an error for the first required setting, also of nested blocks, that is
// missing.
func missing(body json.RawMessage, t reflect.Type, path []string) error {
	fields, err := fieldsOf(t)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrInternal, err)
	}
	var values map[string]json.RawMessage
	_ = json.Unmarshal(body, &values) // anything but an object was refused before
	for _, f := range fields {
		value, ok := values[f.name]
		null := ok && isNull(value)
		ok = ok && !null
		at := append(slices.Clone(path), f.name)
		switch {
		case f.role == roleAttribute && !f.optional && null:
			return complain(at, "a value is required, but it is null", f.doc)
		case f.role == roleAttribute && !f.optional && !ok:
			return complain(at, "it is required", f.doc)
		case f.role != roleBlock:
			continue
		}
		element, repeated, required, err := blockShape(t.Field(f.index).Type)
		switch {
		case err != nil:
			return fmt.Errorf("%w: %s", ErrInternal, err)
		case !ok && required:
			return complain(at, "a block is required", f.doc)
		case ok && repeated:
			err = missingInBlocks(value, element, at)
		case ok:
			err = missing(value, element, at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func missingInBlocks(raw json.RawMessage, element reflect.Type, path []string) error {
	bodies, labels, err := splitBlocks(raw, path)
	if err != nil {
		return err
	}
	for i, body := range bodies {
		at := path
		if labels != nil {
			at = append(slices.Clone(path), labels[i])
		}
		if err := missing(body, element, at); err != nil {
			return err
		}
	}
	return nil
}

func decodeStruct(body json.RawMessage, v reflect.Value, path []string) error {
	fields, err := fieldsOf(v.Type())
	if err != nil {
		return fmt.Errorf("%w: %s", ErrInternal, err)
	}
	var values map[string]json.RawMessage
	if len(body) > 0 {
		if err := json.Unmarshal(body, &values); err != nil {
			return complain(path, "the block is not an object", "")
		}
	}
	for _, f := range fields {
		value, ok := values[f.name]
		if !ok || isNull(value) || f.role == roleLabel {
			continue
		}
		at := append(slices.Clone(path), f.name)
		if f.role == roleBlock {
			err = decodeBlock(value, v.Field(f.index), at)
		} else {
			err = decodeAttribute(f, value, v.Field(f.index), at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func decodeAttribute(f field, raw json.RawMessage, v reflect.Value, path []string) error {
	if err := decodeValue(raw, v, path); err != nil {
		return err
	}
	if f.enum == nil {
		return nil
	}
	if s := reflect.Indirect(v).String(); !slices.Contains(f.enum, s) {
		return complain(path, fmt.Sprintf("%q is not known here", s), "one of "+strings.Join(f.enum, ", "))
	}
	return nil
}

func decodeValue(raw json.RawMessage, v reflect.Value, path []string) error {
	switch v.Type() {
	case durationType, sizeType:
		return decodeUnit(raw, v, path)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return decodeValue(raw, v.Elem(), path)
	case reflect.Slice:
		return decodeList(raw, v, path)
	case reflect.Map:
		return decodeMap(raw, v, path)
	}
	fresh := reflect.New(v.Type())
	if err := json.Unmarshal(raw, fresh.Interface()); err != nil {
		return complain(path, mismatch(raw, v.Kind()), "")
	}
	v.Set(fresh.Elem())
	return nil
}

func decodeUnit(raw json.RawMessage, v reflect.Value, path []string) error {
	what, example := "a duration", "1m30s"
	if v.Type() == sizeType {
		what, example = "a size", "64MiB"
	}
	hint := fmt.Sprintf("a number and a unit in quotes, such as %q", example)
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return complain(path, fmt.Sprintf("%s is not %s", bytes.TrimSpace(raw), what), hint)
	}
	var n int64
	d, err := ParseDuration(s)
	n = int64(d)
	if v.Type() == sizeType {
		var size Size
		size, err = ParseSize(s)
		n = int64(size)
	}
	if err != nil {
		return complain(path, fmt.Sprintf("%q is not %s", s, what), hint)
	}
	v.SetInt(n)
	return nil
}

func decodeList(raw json.RawMessage, v reflect.Value, path []string) error {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return complain(path, "a list is expected, not "+jsonKind(raw), "")
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if err := decodeValue(item, list.Index(i), path); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

func decodeMap(raw json.RawMessage, v reflect.Value, path []string) error {
	var items map[string]json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return complain(path, "a map is expected, not "+jsonKind(raw), "")
	}
	m := reflect.MakeMapWithSize(v.Type(), len(items))
	for key, item := range items {
		element := reflect.New(v.Type().Elem()).Elem()
		if err := decodeValue(item, element, path); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), element)
	}
	v.Set(m)
	return nil
}

func isNull(raw json.RawMessage) bool { return bytes.Equal(bytes.TrimSpace(raw), []byte("null")) }

func complain(path []string, message, hint string) error {
	return &ConfigError{Path: path, Message: message, Hint: hint}
}
