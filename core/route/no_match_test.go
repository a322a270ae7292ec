package route

import "testing"

func TestNoMatchNamesWhatHelps(t *testing.T) {
	all := channels("a")
	v1, claude := routeTo("round-robin", all), routeTo("round-robin", all)
	claude.Pattern, claude.Models = "/claude/**", []string{"claude-*"}
	w := build(t, nil, nil, v1, claude)
	for path, want := range map[string]string{
		"/chat/completions":                         "no route matches /chat/completions; a route matches /v1/chat/completions: end the base URL in your app's settings with /v1",
		"/v1beta/models/gemini-pro:generateContent": `no route matches /v1beta/models/gemini-pro:generateContent; the configuration has /v1/**, /claude/** (route "/**" matches every path)`,
		"/api/v3/chat/completions":                  `no route matches /api/v3/chat/completions; the configuration has /v1/**, /claude/** (route "/**" matches every path)`,
		"/claude/v1/messages":                       `no route matches /claude/v1/messages with the model "gpt-5": a route for other models does`,
	} {
		if got := w.table.NoMatch(path, "gpt-5"); got != want {
			t.Errorf("%s\n got %s\nwant %s", path, got, want)
		}
	}
	if got := (&Table{}).NoMatch("/v1/x", ""); got != "no route matches /v1/x: the configuration has no route" {
		t.Error(got)
	}
}
