package proxy

import (
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

// hangUp closes the connection without an answer.
func hangUp(c *siteConn) { c.close() }

// A site that closes an idle connection has not failed: the request is sent once more over
// a new one, if that is safe.
func TestStaleConnections(t *testing.T) {
	for name, tt := range map[string]struct {
		method    string
		afterSent bool
		scripts   []script
		want      int // status
		delivered int
		stale     bool
	}{
		"repeated":               {"POST", true, []script{good, hangUp, good}, 200, 3, true},
		"idempotent":             {"GET", false, []script{good, hangUp, good}, 200, 3, true},
		"not after it was sent":  {"POST", false, []script{good, hangUp, good}, 502, 2, false},
		"once":                   {"POST", false, []script{good, hangUp, hangUp, good}, 502, 2, false},
		"a new connection fails": {"GET", false, []script{good, hangUp, hangUp, good}, 502, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestSite(t, tt.scripts...)
			r := newRig(t, func(c *config.Config) { c.Retry.AfterSent = tt.afterSent }, s)
			r.ask(tt.method, chatPath, chatBody)
			if got := r.ask(tt.method, chatPath, chatBody); got.status != tt.want {
				t.Errorf("status %d: %s", got.status, got.body)
			}
			if got := len(s.requests()); got != tt.delivered {
				t.Errorf("%d deliveries, want %d", got, tt.delivered)
			}
			last := r.last().Attempts
			if a := last[len(last)-1]; a.Stale != tt.stale {
				t.Errorf("stale is %v in %+v", a.Stale, last)
			}
			failures := r.registry.Channel("a", r.config.Channels[0].Target.String()).Counters().Failures
			if blamed := failures > 0; blamed != (tt.want != 200) {
				t.Errorf("the channel failed %d times", failures)
			}
		})
	}
}
