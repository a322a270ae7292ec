package config_test

import (
	"strings"
	"testing"
)

// A misspelled setting is one error: that the setting with the right name is missing is not reported too.
func TestMisspelledSetting(t *testing.T) {
	channel := func(settings string) string {
		return "channel \"a\" {\n  " + settings + "\n}\nroute \"/v1/**\" {\n  channels = [channel.a]\n}\n"
	}
	tunnel := func(settings string) string {
		return oneChannel + "tunnel \"vps\" {\n  host = \"vps.test\"\n  " + settings + "\n  forward \"unix:/run/a.sock\" {}\n}\n"
	}
	for text, want := range map[string]string{
		channel("targt = \"http://127.0.0.1:9\"\n  keys = [\"sk-of-the-test-1\"]"):     `There is no "targt" in channel "a". Did you mean "target"?`,
		channel("base_url = \"http://127.0.0.1:9\"\n  keys = [\"sk-of-the-test-1\"]"):  `Did you mean "target"?`,
		channel("target = \"http://127.0.0.1:9\"\n  api_key = [\"sk-of-the-test-1\"]"): `Did you mean "keys"?`,
		channel("target = \"http://127.0.0.1:9\"\n  key = [\"sk-of-the-test-1\"]"):     `"key" is a block, key "NAME" { … }. Did you mean "keys"?`,
		tunnel("port = 2222"):                    `There is no "port" in tunnel "vps": it is part of host, as in "203.0.113.10:2222".`,
		tunnel("identity_file = \"~/.ssh/key\""): `Did you mean "identity"?`,
	} {
		_, report := load(t, text, nil)
		lines := report.Lines()
		if len(lines) != 1 || !strings.Contains(lines[0], "Unknown setting") || !strings.Contains(lines[0], want) {
			t.Errorf("want only %q for\n%s\ngot\n%s", want, text, strings.Join(lines, "\n"))
		}
	}
}

func TestMissingSettings(t *testing.T) {
	_, report := load(t, "channel \"a\" {\n  weight = 1\n}\n", nil)
	if all := strings.Join(report.Lines(), "\n"); !strings.Contains(all, "No keys") || !strings.Contains(all, `"target" is required`) {
		t.Error(all)
	}
}
