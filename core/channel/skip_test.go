package channel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEverySkipHasText: the panel has a text for every code, in both languages.
func TestEverySkipHasText(t *testing.T) {
	for _, language := range []string{"en", "zh"} {
		texts := ""
		files, err := filepath.Glob("../panel/assets/i18n/" + language + "/*.js")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			texts += string(b)
		}
		codes := []string{KeyReady}
		for code := range skipTexts {
			codes = append(codes, string(code))
		}
		for _, code := range codes {
			if !strings.Contains(texts, "'reason."+code+"'") {
				t.Errorf("%s has no text for %s", language, code)
			}
		}
	}
}
