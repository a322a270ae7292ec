package config_test

import (
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

// A deeply nested text is refused by all that parse one, at its place.
func TestDeeplyNestedText(t *testing.T) {
	text := "locals {\n  a = " + strings.Repeat("(", 20_000) + "1" + strings.Repeat(")", 20_000) + "\n}\n"
	_, loaded := loadAlone(t, text, nil)
	_, formatted := config.Format("aitunnel.hcl", []byte(text))
	for _, report := range []config.Report{loaded, formatted} {
		d := report.Diagnostics()
		if len(d) != 1 || d[0].Summary != "Nested too deeply" || d[0].Line != 2 || d[0].Column < 1 {
			t.Errorf("%+v", d)
		}
	}
}
