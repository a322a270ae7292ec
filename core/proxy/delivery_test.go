package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// TestEachDeliveryIsAnAttempt: net/http would send these requests again by itself.
func TestEachDeliveryIsAnAttempt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ method, body string }{"a POST with an idempotency key": {"POST", chatBody}, "a GET": {"GET", ""}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var deliveries atomic.Int32
			flaky := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				if deliveries.Add(1) == 1 {
					_, _ = io.WriteString(w, "{}") // so that a connection is idle
					return
				}
				conn, _, err := http.NewResponseController(w).Hijack()
				if err == nil {
					_ = conn.Close()
				}
			}))
			defer flaky.Close()
			r := newRig(t, func(c *config.Config) {
				c.Retry.MaxRetries = 0
				c.Channels[0].Keys = c.Channels[0].Keys[:1]
			}, at(t, flaky.URL))
			for i := range 2 {
				if got := r.ask(tt.method, "/v1/things", tt.body, "Idempotency-Key", "one"); got.status != []int{200, 502}[i] {
					t.Errorf("request %d: %d %s", i+1, got.status, got.body)
				}
			}
			if n := deliveries.Load(); n != 2 {
				t.Errorf("the site got %d deliveries of 2 requests", n)
			}
		})
	}
}

func TestAnIdleConnectionClosedByTheSiteIsNotAFailure(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		_, _ = io.WriteString(w, "{}")
	}))
	defer s.Close()
	r := newRig(t, func(c *config.Config) { c.Retry.BaseDelay = time.Millisecond }, at(t, s.URL))
	for range 20 {
		if got := r.post(chatPath, chatBody); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		s.CloseClientConnections()
	}
}
