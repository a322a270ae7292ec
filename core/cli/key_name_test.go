package cli

import (
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
)

// TestUsageNamesKeys as the lists of keys do. The same name for other keys is followed by
// the channels, and a key that is gone says so.
func TestUsageNamesKeys(t *testing.T) {
	t.Parallel()
	a := &app{keyNames: map[string]string{
		"one key-1": "sk-…aaaa", "two key-1": "sk-…aaaa", "one key-2": "work", "three key-3": "sk-…cccc", "four key-4": "sk-…cccc",
	}}
	for _, c := range []struct{ channel, id, want string }{
		{"", "key-1", "sk-…aaaa"}, {"two", "key-1", "sk-…aaaa"}, {"", "key-2", "work"}, {"", "key-3", "sk-…cccc of three"}, {"four", "key-4", "sk-…cccc"},
		{"", "key-9", "key-9 (removed)"}, {"", "", ""},
	} {
		if got := a.usageKey(c.channel, c.id); got != c.want {
			t.Errorf("%q of %q is called %q, want %q", c.id, c.channel, got, c.want)
		}
	}
	if got := (&app{}).usageKey("", "key-1"); got != "key-1" {
		t.Errorf("without the program a key is called %q", got)
	}
}

// TestKeysAreFoundByTheirLastCharacters, if they are those of one key alone.
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
