package daemon_test

import (
	"net/http"
	"testing"

	"github.com/aitunnel/aitunnel/core/fakesite"
)

// Resuming a paused channel makes its invalid keys usable again.
func TestResumingAChannelTriesItsKeys(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, ""))
	s.Next(fakesite.Unauthorized())
	if got := r.post(chat, ask); got.status != 502 {
		t.Fatalf("%+v", got)
	}
	if got := r.post(chat, ask); got.status != 503 || s.Count() != 1 {
		t.Fatalf("an invalid key was tried at once: %+v", got)
	}
	r.must(http.StatusOK, "POST", "/api/channels/only/toggle", `{"enabled":false}`)
	r.must(http.StatusOK, "POST", "/api/channels/only/toggle", `{"enabled":true}`)
	if got := r.post(chat, ask); got.status != 200 {
		t.Errorf("after a toggle: %+v", got)
	}
}
