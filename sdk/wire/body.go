package wire

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Encode encodes a body. NaN and infinity cannot be encoded in JSON: the error is of
// [CodeInternal] and names them.
func Encode(v any) ([]byte, error) {
	body, err := json.Marshal(v)
	var value *json.UnsupportedValueError
	switch {
	case errors.As(err, &value):
		return nil, fmt.Errorf("%w: %T holds the number %s, which cannot cross the wire: use finite numbers", CodeInternal, v, value.Str)
	case err != nil:
		return nil, fmt.Errorf("%w: writing %T: %s", CodeInternal, v, err)
	case len(body) > MaxBody:
		return nil, fmt.Errorf("%w: %T takes %d bytes on the wire; at most %d are allowed", CodeInternal, v, len(body), MaxBody)
	}
	return body, nil
}

// Decode decodes a body into v. Unknown fields are ignored, and an empty body
// leaves v as it is.
func Decode(body []byte, v any) error {
	if len(body) > MaxBody {
		return fmt.Errorf("%w: a body of %d bytes; at most %d are allowed", CodeInternal, len(body), MaxBody)
	}
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%w: reading %T: %s", CodeInternal, v, err)
	}
	return nil
}

// Answer returns the reply that carries v, or err if that is not nil.
func Answer(v any, err error) Reply {
	if err != nil {
		return Fail(err)
	}
	body, err := Encode(v)
	if err != nil {
		return Fail(err)
	}
	return Reply{Body: body}
}
