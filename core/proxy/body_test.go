package proxy

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// A body over a limit is refused with the name of the setting, and no channel is blamed.
func TestBodiesOverTheLimits(t *testing.T) {
	hang := func(c *siteConn) { <-c.site.hold }
	site := newTestSite(t, hang)
	r := newRig(t, func(c *config.Config) {
		c.Proxy.MaxBody, c.Proxy.ReplayLimit, c.Proxy.BufferLimit = 1<<20, 64<<10, 128<<10
	}, site)
	big := strings.Repeat("x", 1<<20+1)
	if g := r.post(chatPath, big); g.status != 413 || !strings.Contains(g.body, "proxy.max_body") {
		t.Errorf("declared too large: %d %s", g.status, g.body)
	}
	resp, err := http.Post(r.server.URL+chatPath, "application/json", io.MultiReader(strings.NewReader(big))) // its length is not known
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("too large, without Content-Length: %s", resp.Status)
	}
	r.wantReady("a")
	held := strings.Repeat("x", 64<<10)
	r.connect("POST " + chatPath + " HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n" + held)
	testhelp.Eventually(t, "the first body is at the site", func() bool { return len(site.requests()) > 0 })
	// Large bodies leave room for others, so the second does not fit.
	if g := r.post(chatPath, held); g.status != 503 || g.header.Get("Retry-After") == "" || !strings.Contains(g.body, "proxy.buffer_limit") {
		t.Errorf("over the budget of buffers: %d %s", g.status, g.body)
	}
}

// A large body goes through while only its replay part is in memory.
func TestALargeBodyIsStreamed(t *testing.T) {
	const size, replay = 24 << 20, 1 << 20
	live := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var before, grown int64
	got, want := sha256.New(), sha256.New()
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.CopyN(got, q.Body, size*3/4)
		grown = live() - before
		_, _ = io.Copy(got, q.Body)
		_, _ = io.WriteString(w, "{}")
	}))
	defer sink.Close()
	r := newRig(t, func(c *config.Config) { c.Proxy.ReplayLimit = replay }, &testSite{address: sink.Listener.Addr().String()})
	before = live()
	resp, err := http.Post(r.server.URL+chatPath, "application/json", io.TeeReader(io.LimitReader(&pattern{}, size), want))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		t.Errorf("%s: what the site got is not what was sent", resp.Status)
	}
	if grown > 4*replay {
		t.Errorf("with %d MiB sent, %d KiB more are in memory", size*3/4>>20, grown>>10)
	}
}

// pattern reads endless bytes that do not repeat at any block size.
type pattern struct{ n uint32 }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		p.n = p.n*1664525 + 1013904223
		b[i] = byte(p.n >> 24)
	}
	return len(b), nil
}

// A body that arrives at less than 1 KB a second is refused before a site gets any of it.
func TestASlowBodyIsRefused(t *testing.T) {
	t.Parallel()
	site := newTestSite(t, good)
	c := newRig(t, nil, site).connect("POST " + chatPath + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				_, _ = io.WriteString(c, "slowly ")
			}
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if n := len(site.requests()); resp.StatusCode != http.StatusRequestTimeout || n != 0 {
		t.Errorf("%s, the site received %d requests", resp.Status, n)
	}
}
