package dialect_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// TestTokensOfTheCorpus reads the usage of every answer in the corpus: exactly those with
// token counts have tokens.
func TestTokensOfTheCorpus(t *testing.T) {
	want := map[string]dialect.Tokens{
		"anthropic-good-text":                     {Input: 10, Output: 20},
		"embedding-good":                          {Input: 1},
		"field-17-overloaded-after-message-start": {Input: 10, Output: 1},
	}
	for _, c := range verdict.Corpus() {
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(c.Wire)), nil)
		if err != nil {
			continue // it is about the connection
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		var u dialect.Usage
		u.Begin(dialect.Chat, resp.Header)
		u.Pass(body)
		if got := u.Tokens(); got != want[c.Name] {
			t.Errorf("%s: %+v, want %+v", c.Name, got, want[c.Name])
		}
		delete(want, c.Name)
	}
	if len(want) > 0 {
		t.Errorf("the corpus lacks %v", want)
	}
}
