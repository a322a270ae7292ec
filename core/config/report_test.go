package config_test

import (
	"strings"
	"testing"
)

// TestSummaryNamesTheCause: the summary has the misspelled name, not what is missing because
// of it.
func TestSummaryNamesTheCause(t *testing.T) {
	for name, text := range map[string]string{
		"setting": "channel \"a\" {\n  targt = \"https://a.example\"\n  auth = \"none\"\n}\n",
		"block":   "route \"/**\" {\n  channels = [channel.a]\n}\nchanel \"a\" {\n  target = \"https://a.example\"\n  auth = \"none\"\n}\n",
	} {
		_, report := loadAlone(t, text, nil)
		if got := report.Summary(); !strings.Contains(got, "Unknown "+name) || (name == "block") != strings.Contains(got, "more)") {
			t.Errorf("%s: %s", name, got)
		}
	}
}
