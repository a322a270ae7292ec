package config_test

import (
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

// Both functions that parse a text report where it is nested too deeply.
func TestDeeplyNestedText(t *testing.T) {
	text := "locals {\n  a = " + strings.Repeat("(", 20_000) + "1" + strings.Repeat(")", 20_000) + "\n}\n"
	_, loaded := load(t, text, nil)
	_, formatted := config.Format(config.FileName, []byte(text))
	for name, report := range map[string]config.Report{"Load": loaded, "Format": formatted} {
		d := report.Diagnostics()
		if len(d) != 1 || d[0].Summary != "Nested too deeply" || d[0].Line != 2 || d[0].Column < 1 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
