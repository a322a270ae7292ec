package channel

import (
	"os"
	"strings"
	"testing"
)

// TestEverySkipHasWords: what the program calls a reason, the panel can say in
// both languages.
func TestEverySkipHasWords(t *testing.T) {
	for _, language := range []string{"en", "zh"} {
		b, err := os.ReadFile("../panel/assets/i18n/" + language + ".js")
		if err != nil {
			t.Fatal(err)
		}
		codes := []string{KeyReady}
		for code := range skipTexts {
			codes = append(codes, string(code))
		}
		for _, code := range codes {
			if !strings.Contains(string(b), "'reason."+code+"'") {
				t.Errorf("%s.js has no text for %s", language, code)
			}
		}
	}
}
