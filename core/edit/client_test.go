package edit

import (
	"strings"
	"testing"
)

func TestClientsAreAddedAndRemoved(t *testing.T) {
	d, _ := open(t, byHand)
	for _, name := range []string{"one", "two"} {
		if err := d.AddClient(name, Client{TokenSHA256: strings.Repeat("ab", 32), Models: []string{"gpt-*"}}); err != nil {
			t.Fatal(err)
		}
	}
	block := func(name string) string {
		return "\nclient \"" + name + "\" {\n  token_sha256 = \"" + strings.Repeat("ab", 32) + "\"\n  models       = [\"gpt-*\"]\n}\n"
	}
	want := byHand + block("one") + block("two")
	if got := string(d.files[0].text); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := d.RemoveClient("one"); err != nil {
		t.Fatal(err)
	}
	if got := string(d.files[0].text); got != byHand+block("two") {
		t.Errorf("after the removal:\n%s", got)
	}
	if err := d.RemoveClient("one"); err == nil {
		t.Error("a client that is not there was removed")
	}
}

func TestAClientIsWrittenWithItsLimits(t *testing.T) {
	for _, c := range []struct {
		client Client
		want   string
	}{
		{Client{}, "client \"x\" {\n  token_sha256 = \"ab\"\n}"},
		{Client{RequestsPerMinute: 60, Concurrent: 4, Per: "week"}, "client \"x\" {\n  token_sha256 = \"ab\"\n  limit {\n    requests_per_minute = 60\n    concurrent          = 4\n  }\n}"},
		{Client{Budget: 0.5, BudgetTokens: 2000000, Per: "week"}, "client \"x\" {\n  token_sha256 = \"ab\"\n  budget {\n    amount = 0.5\n    tokens = 2000000\n    per    = \"week\"\n  }\n}"},
	} {
		c.client.TokenSHA256 = "ab"
		if got := c.client.text("x"); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
}
