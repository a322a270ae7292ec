package sdk

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
)

func decodeBlock(raw json.RawMessage, v reflect.Value, path []string) error {
	switch v.Kind() {
	case reflect.Slice:
		return decodeBlocks(raw, v, path)
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return decodeStruct(raw, v.Elem(), path)
	}
	return decodeStruct(raw, v, path)
}

// decodeBlocks reads a list of blocks, or an object of labeled blocks, in the
// order of the labels.
func decodeBlocks(raw json.RawMessage, v reflect.Value, path []string) error {
	bodies, labels, err := splitBlocks(raw, path)
	if err != nil {
		return err
	}
	blocks := reflect.MakeSlice(v.Type(), len(bodies), len(bodies))
	for i, body := range bodies {
		element, at := blocks.Index(i), path
		if element.Kind() == reflect.Pointer {
			element.Set(reflect.New(element.Type().Elem()))
			element = element.Elem()
		}
		if labels != nil {
			at = append(slices.Clone(path), labels[i])
			setLabel(element, labels[i])
		}
		if err := decodeStruct(body, element, at); err != nil {
			return err
		}
	}
	v.Set(blocks)
	return nil
}

func splitBlocks(raw json.RawMessage, path []string) (bodies []json.RawMessage, labels []string, err error) {
	if json.Unmarshal(raw, &bodies) == nil {
		return bodies, nil, nil
	}
	var labeled map[string]json.RawMessage
	if json.Unmarshal(raw, &labeled) != nil {
		return nil, nil, complain(path, "the value is neither a list of blocks nor an object of labeled blocks", "")
	}
	labels = slices.Sorted(maps.Keys(labeled))
	bodies = make([]json.RawMessage, len(labels))
	for i, label := range labels {
		bodies[i] = labeled[label]
	}
	return bodies, labels, nil
}

func setLabel(element reflect.Value, label string) {
	fields, err := fieldsOf(element.Type())
	if err != nil {
		return // the schema was derived from the same type, so there is none
	}
	if f, ok := labelOf(fields); ok {
		element.Field(f.index).SetString(label)
	}
}
