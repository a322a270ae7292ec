package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
)

// mismatch says in the words of a configuration what was expected instead of raw. It
// does not repeat the value, which may be a secret.
func mismatch(raw json.RawMessage, kind reflect.Kind) string {
	expected := "another value"
	whole := false
	switch kind {
	case reflect.Bool:
		expected = "true or false"
	case reflect.String:
		expected = "a string"
	case reflect.Float32, reflect.Float64:
		expected = "a number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		expected, whole = "a whole number", true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		expected, whole = "a whole number that is not negative", true
	case reflect.Struct:
		expected = "an object"
	}
	var n float64
	if json.Unmarshal(raw, &n) != nil {
		return fmt.Sprintf("%s is expected, not %s", expected, jsonKind(raw))
	}
	switch {
	case whole && n != math.Trunc(n):
		return expected + " is expected, not a fraction"
	case whole && n < 0 && kind >= reflect.Uint:
		return expected + " is expected"
	case whole:
		return expected + " is expected, and this one is too large"
	}
	return fmt.Sprintf("%s is expected, not %s", expected, jsonKind(raw))
}

// jsonKind says what a value is, without the value.
func jsonKind(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '"':
		return "a string"
	case '[':
		return "a list"
	case '{':
		return "an object"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}
