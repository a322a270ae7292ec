package manage

import (
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
)

// TestKeysAreFoundByTheirLastCharacters, if no other key ends with them.
func TestKeysAreFoundByTheirLastCharacters(t *testing.T) {
	t.Parallel()
	ch := admin.Channel{Name: "x", Keys: admin.Keys{List: []admin.Key{
		{ID: "key-1", Masked: "sk-…aaaa", Shown: "sk-…aaaa"}, {ID: "key-2", Masked: "sk-…bbbb", Shown: "work", Label: "work"},
		{ID: "key-3", Masked: "sk-…cccc", Shown: "key-3"}, {ID: "key-4", Masked: "sk-…cccc", Shown: "key-4"},
	}}}
	for name, want := range map[string]string{"aaaa": "key-1", "bbbb": "key-2", "work": "key-2", "0": "key-1", "sk-…aaaa": "key-1", "cccc": "", "aaa": "", "": ""} {
		if k, err := keyNamed(ch, name); k.ID != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q (%v), want %q", name, k.ID, err, want)
		}
	}
}
