package admin

import (
	"bytes"
	"encoding/json"
)

// UnmarshalJSON reads the object, or a key as a string.
func (k *KeySpec) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &k.Key); err == nil {
		return nil
	}
	type plain KeySpec
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode((*plain)(k))
}
