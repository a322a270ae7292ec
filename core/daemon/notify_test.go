package daemon_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/core/upstream/proxytest"
)

// Notifications say that a channel is down and what is used instead, that a configuration
// could not be applied, and when either is over.
func TestNotificationsAboutChannelAndConfiguration(t *testing.T) {
	var mu sync.Mutex
	var messages []string
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		messages = append(messages, string(body))
	}))
	defer hook.Close()
	told := func(parts ...string) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			for _, m := range messages {
				n := 0
				for _, p := range parts {
					if strings.Contains(m, p) {
						n++
					}
				}
				if n == len(parts) {
					return true
				}
			}
			return false
		}
	}
	primary, backup := site(t, "primary"), site(t, "backup")
	socks, hookAt := proxytest.New(t), strings.TrimPrefix(hook.URL, "http://")
	config := two(primary, backup, fmt.Sprintf(`
breaker {
  failures = 1
}
egress "abroad" {
  proxy = "socks5h://%s"
}
notify "hook" {
  url    = "generic+http://%s/?template=json"
  every  = "0s"
  egress = egress.abroad
}
`, socks.Addr(), hookAt))
	r := start(t, config)
	primary.Always(fakesite.Status(http.StatusInternalServerError, "no"))
	r.post(chat, ask)
	testhelp.Eventually(t, "the message about the channel", told("channel primary is down", "Used instead: backup", "What to do"))
	primary.Always(fakesite.OK())
	r.time.jump(time.Hour)
	testhelp.Eventually(t, "the channel is back", func() bool {
		r.post(chat, ask)
		return told("channel primary is back")()
	})
	r.save("nonsense {")
	_, _ = r.Reload(t.Context(), "a test")
	testhelp.Eventually(t, "the message about the configuration", told("the configuration could not be applied"))
	r.save(config)
	_, _ = r.Reload(t.Context(), "a test")
	testhelp.Eventually(t, "the message that it is applied", told("the configuration was applied"))
	body := string(r.must(http.StatusOK, "POST", "/api/notifications/hook/test", ""))
	if !strings.Contains(body, `"ok":true`) || !told("a test message")() {
		t.Errorf("%s", body)
	}
	if lines := socks.Lines(); len(lines) < 5 || lines[0] != "SOCKS "+hookAt {
		t.Errorf("the proxy was asked for %q", lines)
	}
}
