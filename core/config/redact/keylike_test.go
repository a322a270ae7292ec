package redact

import "testing"

func TestKeyLike(t *testing.T) {
	for text, want := range map[string]string{
		`the label "sk-abcdefghijklmnopqrst1234" is`: `the label "sk-********************1234" is`,
		"AIzaSyA0123456789abcdefghij":                "AIz********************ghij",
		"sk-without-any-digits-at-all":               "sk-without-any-digits-at-all",
		"key-356b1509 and task-1234567890":           "key-356b1509 and task-1234567890",
		"skating-in-the-park":                        "skating-in-the-park",
	} {
		if got := KeyLike(text); got != want || len(got) != len(text) {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	if !LooksLikeKey("sk-abcdefghijklmnopqrst1234") || LooksLikeKey("my sk-abcdefghijklmnopqrst1234") || LooksLikeKey("primary-2") {
		t.Error("what is a key is seen wrongly")
	}
}
