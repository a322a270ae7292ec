package proxy

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// wantRate fails if the site was sent too many or too few requests in any span of time.
func wantRate(t *testing.T, at []time.Time, span time.Duration, least, most int) {
	t.Helper()
	for i, from := range at {
		n := 0
		for _, other := range at[i:] {
			if other.Sub(from) < span {
				n++
			}
		}
		if n > most || n < least && at[len(at)-1].Sub(from) > span {
			t.Errorf("%d requests within %s of request %d, want %d to %d", n, span, i+1, least, most)
		}
	}
}

// Twenty callers of a client with a limit of 60 requests a minute, for three minutes; in
// the short form, of one with 1200 a minute, for a second.
func TestASiteGetsTheConfiguredRate(t *testing.T) {
	limit, length := config.ClientLimit{RequestsPerMinute: 1200, Burst: 5, Wait: 10 * time.Second}, time.Second
	if testhelp.Soak() {
		limit, length = config.ClientLimit{RequestsPerMinute: 60, Burst: 10, Wait: 10 * time.Second}, 3*time.Minute
	}
	var mu sync.Mutex
	var at []time.Time
	site := newTestSite(t, func(c *siteConn) {
		mu.Lock()
		at = append(at, time.Now())
		mu.Unlock()
		c.sleep(50 * time.Millisecond)
		good(c)
	})
	r := newRig(t, withClients(config.Client{Limit: limit}, config.Client{}), site)
	begun := time.Now()
	end := begun.Add(length)
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			for time.Now().Before(end) {
				if got := r.as("a"); got.status == http.StatusTooManyRequests {
					time.Sleep(100 * time.Millisecond) // sooner than Retry-After says: an impatient caller
				}
			}
		})
	}
	callers.Wait()
	mu.Lock()
	defer mu.Unlock()
	for i, when := range at { // also on a slow machine
		if most := float64(limit.Burst) + when.Sub(begun).Minutes()*float64(limit.RequestsPerMinute) + 1; float64(i+1) > most {
			t.Errorf("%d requests in the first %s, want at most %.1f", i+1, when.Sub(begun), most)
		}
	}
	if len(at) <= limit.Burst {
		t.Errorf("only %d requests came through", len(at))
	}
	if testhelp.Soak() {
		wantRate(t, at, time.Minute, 58, 70)
	}
}

// A real site with a hidden limit of requests at once, for two minutes.
func TestAdaptiveConcurrencyAtARealSite(t *testing.T) {
	if !testhelp.Soak() {
		t.Skip("the simulation in core/limit is the short form: AITUNNEL_SOAK=1 runs this one")
	}
	const hidden = 5
	var atOnce, sent, lost atomic.Int64
	refused := reply(429, `{"error":{"message":"too many concurrent requests","type":"rate_limit_error"}}`)
	site := newTestSite(t, func(c *siteConn) {
		sent.Add(1)
		if n := atOnce.Add(1); n > hidden {
			atOnce.Add(-1)
			lost.Add(1)
			refused(c)
			return
		}
		c.sleep(200 * time.Millisecond)
		atOnce.Add(-1)
		good(c)
	})
	r := newRig(t, func(c *config.Config) {
		withClients(config.Client{Limit: config.ClientLimit{Wait: time.Minute}}, config.Client{})(c)
		c.Channels[0].Keys = c.Channels[0].Keys[:1]
		c.Channels[0].Limit.Concurrent.Auto = true
	}, site)
	end := time.Now().Add(2 * time.Minute)
	var callers sync.WaitGroup
	var failed atomic.Int64
	for range 30 {
		callers.Go(func() {
			for time.Now().Before(end) {
				if r.as("a").status != http.StatusOK {
					failed.Add(1)
				}
			}
		})
	}
	callers.Wait()
	most := r.registry.Channel("a", r.config.Channels[0].Target.String()).Key("sk-key-a1").Limiter().Usage(time.Now()).MaxInFlight
	t.Logf("%d requests, %d refused, %d allowed in the end", sent.Load(), lost.Load(), most)
	if share := float64(lost.Load()) / float64(sent.Load()); share >= 0.02 || most < hidden-1 || most > hidden+1 || failed.Load() > 0 {
		t.Errorf("%.1f %% were refused, %d callers got no answer, %d are allowed", 100*share, failed.Load(), most)
	}
}

// TestConcurrentIsNeverExceeded: thirty callers of a channel with concurrent = 5, for a
// minute, in the short form for a second. The site counts.
func TestConcurrentIsNeverExceeded(t *testing.T) {
	const limit = 5
	length := time.Second
	if testhelp.Soak() {
		length = time.Minute
	}
	var atOnce, most, sent atomic.Int64
	site := newTestSite(t, func(c *siteConn) {
		n := atOnce.Add(1)
		for before := most.Load(); n > before && !most.CompareAndSwap(before, n); before = most.Load() {
		}
		i := sent.Add(1)
		c.sleep(time.Duration(i%7) * time.Millisecond)
		atOnce.Add(-1) // before the answer: the proxy may send the next request as soon as it has that
		if i%11 == 0 {
			reply(500, `{"error":{"message":"try again"}}`)(c)
			return
		}
		good(c)
	})
	r := newRig(t, func(c *config.Config) {
		withClients(config.Client{Limit: config.ClientLimit{Wait: time.Minute}}, config.Client{})(c)
		c.Channels[0].Limit.Concurrent.Max = limit
	}, site)
	end := time.Now().Add(length)
	var callers sync.WaitGroup
	for range 30 {
		callers.Go(func() {
			for time.Now().Before(end) {
				r.as("a")
			}
		})
	}
	callers.Wait()
	t.Logf("%d requests, at most %d at once", sent.Load(), most.Load())
	if most.Load() != limit {
		t.Errorf("the site had at most %d requests at once, the limit is %d", most.Load(), limit)
	}
}
