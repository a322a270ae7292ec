package wording

import "testing"

func TestShellWord(t *testing.T) {
	for path, want := range map[string]string{
		"/etc/aitunnel/aitunnel.hcl": "/etc/aitunnel/aitunnel.hcl",
		"/home/me/ünï-1.hcl":         "/home/me/ünï-1.hcl",
		"Application Support/a.hcl":  "'Application Support/a.hcl'",
		"it's $HOME":                 `'it'\''s $HOME'`,
		"":                           "''",
	} {
		if got := ShellWord(path); got != want {
			t.Errorf("%q: got %s, want %s", path, got, want)
		}
	}
}
