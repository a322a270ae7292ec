package daemon_test

import (
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestARefusedTokenIsLogged: once for many requests, and without the token.
func TestARefusedTokenIsLogged(t *testing.T) {
	t.Parallel()
	r := start(t, one(site(t, "a").URL(), "proxy {\n listen = \"127.0.0.1:0\"\n client_tokens = [\"token-of-all\"]\n}\nlog {\n level = \"info\"\n}\n"))
	for range 5 {
		if got := r.post(chat, ask, "Authorization", "Bearer wrong-secret"); got.status != 401 {
			t.Fatalf("%+v", got)
		}
	}
	const line = "refused with 401: the client token is missing or wrong"
	testhelp.Eventually(t, "the log has the refusal", func() bool { return strings.Contains(r.log.String(), line) })
	r.stop()
	if text := r.log.String(); strings.Count(text, line) != 1 || !strings.Contains(text, "[WARN]") || strings.Contains(text, "wrong-secret") {
		t.Errorf("the log is\n%s", text)
	}
}
