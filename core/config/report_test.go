package config_test

import (
	"strings"
	"testing"
)

// The summary has the misspelled name, not the error that follows from it.
func TestSummaryNamesTheCause(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
		more             bool // the summary also counts errors that follow
	}{
		{"setting", "channel \"a\" {\n  targt = \"https://a.example\"\n  auth = \"none\"\n}\n", "Unknown setting", false},
		{"block", "route \"/**\" {\n  channels = [channel.a]\n}\nchanel \"a\" {\n  target = \"https://a.example\"\n  auth = \"none\"\n}\n", "Unknown block", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, report := load(t, tt.text, nil)
			got := report.Summary()
			if !strings.Contains(got, tt.want) || strings.Contains(got, "more)") != tt.more {
				t.Errorf("%s", got)
			}
		})
	}
}
