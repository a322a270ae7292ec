package admin

import "testing"

// TestKeysHaveUniqueNames: no two keys of a channel are called the same.
func TestKeysHaveUniqueNames(t *testing.T) {
	t.Parallel()
	keys := []Key{
		{ID: "key-8584e543", Masked: "sk-…cdef"},
		{ID: "key-d6dc5a9b", Masked: "sk-…cdef"},
		{ID: "key-d6dcffff", Masked: "sk-…cdef"},
		{ID: "second", Label: "second", Masked: "sk-…cdef"},
		{ID: "key-5a6667d2", Masked: "sk…44"},
		{ID: "key-00000001", Masked: "…"},
	}
	NameKeys(keys)
	for i, want := range []struct{ name, mask string }{
		{"sk-…cdef~8584", "sk-…cdef~8584"}, {"sk-…cdef~d6dc5", "sk-…cdef~d6dc5"}, {"sk-…cdef~d6dcf", "sk-…cdef~d6dcf"},
		{"second", "sk-…cdef"}, {"sk…44", "sk…44"}, {"key-00000001", "…"},
	} {
		if k := keys[i]; k.Shown != want.name || k.Mask() != want.mask {
			t.Errorf("%s is called %s and masked %s, want %s and %s", k.ID, k.Shown, k.Mask(), want.name, want.mask)
		}
	}
}
