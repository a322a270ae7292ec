package config_test

import (
	"strings"
	"testing"
)

// TestAMisspelledSettingIsReportedOnce: that the right name is missing follows from it.
func TestAMisspelledSettingIsReportedOnce(t *testing.T) {
	for text, want := range map[string]string{
		"targt = \"http://127.0.0.1:9\"\n  keys = [\"sk-of-the-test-1\"]":     `There is no "targt" in channel "a". Did you mean "target"?`,
		"base_url = \"http://127.0.0.1:9\"\n  keys = [\"sk-of-the-test-1\"]":  `Did you mean "target"?`,
		"target = \"http://127.0.0.1:9\"\n  api_key = [\"sk-of-the-test-1\"]": `Did you mean "keys"?`,
		"target = \"http://127.0.0.1:9\"\n  key = [\"sk-of-the-test-1\"]":     `"key" is a block, key "NAME" { … }. Did you mean "keys"?`,
	} {
		for text, want := range map[string]string{
			"host = \"vps.example\"\n  port = 2222":                    `There is no "port" in tunnel "vps": it is part of host, as in "203.0.113.10:2222".`,
			"host = \"vps.example\"\n  identity_file = \"~/.ssh/key\"": `Did you mean "identity"?`,
		} {
			_, report := loadAlone(t, "tunnel \"vps\" {\n  "+text+"\n  forward \"127.0.0.1:9000\" {}\n}\n", nil)
			if all := strings.Join(report.Lines(), "\n"); !strings.Contains(all, want) {
				t.Errorf("%s:\n%s", text, all)
			}
		}
		_, report := loadAlone(t, "channel \"a\" {\n  "+text+"\n}\nroute \"/v1/**\" {\n  channels = [channel.a]\n}\n", nil)
		lines := report.Lines()
		if len(lines) != 1 || !strings.Contains(lines[0], "Unknown setting") || !strings.Contains(lines[0], want) {
			t.Errorf("%s:\n%s", text, strings.Join(lines, "\n"))
		}
	}
	_, report := loadAlone(t, "channel \"a\" {\n  weight = 1\n}\n", nil)
	if all := strings.Join(report.Lines(), "\n"); !strings.Contains(all, "No keys") || !strings.Contains(all, `"target" is required`) {
		t.Errorf("nothing is misspelled:\n%s", all)
	}
}
