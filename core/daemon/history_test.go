package daemon_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/history"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// canaries must not get into the history. Each is named after the place it is in.
var canaries = map[string]string{
	"prompt": "cnry-prompt-1", "answer": "cnry-answer-2", "key": "sk-cnry-key-000003", "client token": "tk-cnry-token-000004", "error of the site": "cnry-error-5",
	"query": "cnry-query-6", "header": "cnry-header-7", "caller's own key": "sk-cnry-own-000008",
}

// TestTheHistoryKeepsNoContent sends requests that succeed, fail and are refused,
// and looks for parts of them in the files.
func TestTheHistoryKeepsNoContent(t *testing.T) {
	t.Parallel()
	s := fakesite.New("a", fakesite.Text(canaries["answer"]))
	must(t, s.Start())
	t.Cleanup(s.Close)
	r := start(t, fmt.Sprintf(`
proxy {
  listen        = "127.0.0.1:0"
  client_tokens = [%q]
}
channel "a" {
  target = %q
  keys   = [%q]
}
price "gpt*" {
  input = 1
}
`, canaries["client token"], s.URL(), canaries["key"]))
	body := func(more string) string {
		return fmt.Sprintf(`{"model":"gpt-5","messages":[{"role":"user","content":%q}]%s}`, canaries["prompt"], more)
	}
	path := chat + "?secret=" + canaries["query"]
	auth := []string{"Authorization", "Bearer " + canaries["client token"], "X-Custom", canaries["header"]}
	if got := r.post(path, body(""), auth...); got.status != http.StatusOK || !strings.Contains(got.body, canaries["answer"]) {
		t.Fatalf("%+v", got)
	}
	r.post(path, body(`,"stream":true,"stream_options":{"include_usage":true}`), auth...)
	s.Next(fakesite.Status(400, fmt.Sprintf(`{"error":{"message":"%s with the key %s and %s"}}`, canaries["error of the site"], canaries["key"], canaries["prompt"])))
	r.post(path, body(""), auth...)
	s.Next(fakesite.CutAfterEvents(2))
	r.post(path, body(`,"stream":true`), auth...)
	r.post(path, body(""), "Authorization", "Bearer "+canaries["caller's own key"])

	var page history.Page
	testhelp.Eventually(t, "five requests are in the history", func() bool {
		return r.historyPage(&page) == 5
	})
	byClient, unknown := 0, 0
	for _, q := range page.Records {
		if q.Client == "default" && q.TokensIn > 0 && q.Currency == "USD" && q.Cost > 0 && q.Path == chat {
			byClient++
		}
		if q.Error == "invalid_client_token" && q.Failed {
			unknown++
		}
	}
	if byClient < 2 || unknown != 1 {
		t.Errorf("%+v", page.Records)
	}
	r.stop()
	files, err := filepath.Glob(filepath.Join(r.dir, "state", history.FileName+"*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		must(t, err)
		for place, value := range canaries {
			if strings.Contains(string(content), value[3:len(value)-1]) {
				t.Errorf("%s has the %s", filepath.Base(name), place)
			}
		}
	}
}

// historyPage reads the newest requests of the history, and returns how many
// there are; -1 without a history.
func (r *running) historyPage(into *history.Page) int {
	r.t.Helper()
	resp := r.adminOpen("/api/history")
	defer func() { _ = resp.Body.Close() }()
	*into = history.Page{}
	if resp.StatusCode == http.StatusConflict {
		return -1
	}
	must(r.t, json.NewDecoder(resp.Body).Decode(into))
	return len(into.Records)
}

// TestTheHistoryFollowsTheConfiguration turns it off and on by reloads.
func TestTheHistoryFollowsTheConfiguration(t *testing.T) {
	t.Parallel()
	s := site(t, "a")
	r := start(t, one(s.URL(), ""))
	r.post(chat, ask)
	var page history.Page
	testhelp.Eventually(t, "a request is in the history", func() bool { return r.historyPage(&page) == 1 })
	r.save(one(s.URL(), "history {\n enabled = false\n}\n"))
	if out := r.reload(); !out.OK {
		t.Fatalf("%+v", out)
	}
	r.post(chat, ask)
	testhelp.Eventually(t, "the history is off", func() bool { return r.historyPage(&page) == -1 })
	r.save(one(s.URL(), ""))
	if out := r.reload(); !out.OK {
		t.Fatalf("%+v", out)
	}
	r.post(chat, ask)
	testhelp.Eventually(t, "the history has the later request, but not the one while it was off", func() bool { return r.historyPage(&page) == 2 })
}
