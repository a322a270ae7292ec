package redact

import "testing"

func TestKeyLike(t *testing.T) {
	for text, want := range map[string]string{
		`the label "sk-abcdefghijklmnopqrst1234" is`:             `the label "sk-********************1234" is`,
		"AIzaSyA0123456789abcdefghij":                            "AIz********************ghij",
		"sk-without-any-digits-at-all":                           "sk-without-any-digits-at-all",
		"key-356b1509 and task-1234567890":                       "key-356b1509 and task-1234567890",
		"skating-in-the-park":                                    "skating-in-the-park",
		"sky-relay-tokyo-2024 and tokyo-vps-2024-primary":        "sky-relay-tokyo-2024 and tokyo-vps-2024-primary",
		"xai-grok-4-fast-reasoning-0709":                         "xai-grok-4-fast-reasoning-0709",
		"claude-sonnet-4-5-20250929":                             "claude-sonnet-4-5-20250929",
		"xai-A1b2C3d4E5f6G7h8I9":                                 "xai***************h8I9",
		"/v1/sk-abcdefghijklmnopqrst1234/sk_ABCDEFGHIJ12345678?": "/v1/sk-********************1234/sk_**************5678?",
		"a\u00fcsk-abcdefghijklmnopqrst1234":                     "a\u00fcsk-********************1234",
	} {
		if got := KeyLike(text); got != want || len(got) != len(text) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestLooksLikeKey(t *testing.T) {
	for text, want := range map[string]bool{
		"sk-abcdefghijklmnopqrst1234":    true,
		"my sk-abcdefghijklmnopqrst1234": false,
		"primary-2":                      false,
	} {
		if got := LooksLikeKey(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}
