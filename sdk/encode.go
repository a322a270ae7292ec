package sdk

import (
	"encoding/json"
	"reflect"
	"time"
)

// encodeBody writes a settings struct as the body that would configure it. It
// is how defaults reach [Config.Decode].
func encodeBody(v reflect.Value) (json.RawMessage, error) {
	fields, err := fieldsOf(v.Type())
	if err != nil {
		return nil, err
	}
	body := make(map[string]json.RawMessage)
	for _, f := range fields {
		value := v.Field(f.index)
		if f.role == roleLabel || value.IsZero() {
			continue
		}
		if f.role == roleBlock {
			body[f.name], err = encodeBlock(value)
		} else {
			body[f.name], err = encodeValue(value)
		}
		if err != nil {
			return nil, err
		}
	}
	return json.Marshal(body)
}

func encodeBlock(v reflect.Value) (json.RawMessage, error) {
	if v.Kind() != reflect.Slice {
		return encodeBody(reflect.Indirect(v))
	}
	list := make([]json.RawMessage, v.Len())
	byLabel := make(map[string]json.RawMessage)
	for i := range v.Len() {
		element := reflect.Indirect(v.Index(i))
		body, err := encodeBody(element)
		if err != nil {
			return nil, err
		}
		list[i] = body
		fields, err := fieldsOf(element.Type())
		if err != nil {
			return nil, err
		}
		if label, ok := labelOf(fields); ok {
			byLabel[element.Field(label.index).String()] = body
		}
	}
	if len(byLabel) > 0 {
		return json.Marshal(byLabel)
	}
	return json.Marshal(list)
}

func encodeValue(v reflect.Value) (json.RawMessage, error) {
	return json.Marshal(plain(v))
}

// plain returns the value as it would be written in a configuration.
func plain(v reflect.Value) any {
	switch v.Type() {
	case durationType:
		return time.Duration(v.Int()).String()
	case sizeType:
		return Size(v.Int()).String()
	}
	switch v.Kind() {
	case reflect.Pointer:
		return plain(v.Elem())
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	case reflect.Map:
		m := make(map[string]any, v.Len())
		for _, key := range v.MapKeys() {
			m[key.String()] = plain(v.MapIndex(key))
		}
		return m
	}
	return v.Interface()
}
