package daemon_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// What a client has spent is on disk within a second, so that it is not forgotten if the
// program is killed.
func TestABudgetSurvivesACrash(t *testing.T) {
	s := site(t, "only")
	config := alone(s, `
client "anonymous" {
  budget {
    tokens = 1
    per    = "month"
  }
}`)
	r := start(t, config)
	if got := r.post(chat, ask); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	saved := filepath.Join(r.dir, "state", "state.json")
	var content []byte
	testhelp.Eventually(t, "the budget is saved", func() bool {
		content, _ = os.ReadFile(saved)
		return strings.Contains(string(content), `"client":"anonymous"`)
	})
	if got := r.post(chat, ask); got.status != http.StatusTooManyRequests {
		t.Errorf("with the budget used up: %d %s", got.status, got.body)
	}

	after := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}}
	after.save(config)
	if err := os.MkdirAll(filepath.Join(after.dir, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(after.dir, "state", "state.json"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	after.run()
	if got := after.post(chat, ask); got.status != http.StatusTooManyRequests {
		t.Errorf("after a crash: %d %s", got.status, got.body)
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("the site was sent %d requests", n)
	}
}
