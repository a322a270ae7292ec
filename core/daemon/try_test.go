package daemon_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fakesite"
)

// TestAChannelIsTried with a request of each dialect, and with a key that the site refuses.
func TestAChannelIsTried(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, "proxy {\n listen = \"127.0.0.1:0\"\n client_tokens = [\"a-client-token-of-the-test\"]\n}\n"))
	try := func(name string) (out admin.TryResult) {
		t.Helper()
		if err := json.Unmarshal(r.must(http.StatusOK, "POST", "/api/channels/"+name+"/try", `{"model":"m","prompt":"Hello"}`), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	got := try("backup")
	if !got.OK || got.Status != 200 || got.Text == "" || got.Key == "" || got.TTFB <= 0 || got.Content < got.TTFB || got.Tokens.Output == 0 {
		t.Errorf("%+v", got)
	}
	if len(backup.Requests()) != 1 || len(primary.Requests()) != 0 {
		t.Error("the request went elsewhere")
	}
	backup.Always(fakesite.Unauthorized())
	if got := try("backup"); got.OK || got.Error == "" {
		t.Errorf("with a key that is refused: %+v", got)
	}
	var models admin.Models
	if err := json.Unmarshal(r.must(http.StatusOK, "GET", "/api/channels/primary/models", ""), &models); err != nil || len(models.Models) == 0 {
		t.Errorf("%v: %+v", err, models)
	}
	if b := r.must(http.StatusConflict, "GET", "/api/channels/backup/models", ""); !strings.Contains(string(b), "no_models") {
		t.Errorf("%s", b)
	}
}
