package paneltest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestASilentlyLostConnectionIsNoticed puts a relay before the panel that holds
// back the events of the stream that is open, as when a machine has slept: the
// connection stands, and nothing comes any more.
func TestASilentlyLostConnectionIsNoticed(t *testing.T) {
	r, _, _ := begin(t, "")
	to, err := url.Parse(r.panel)
	if err != nil {
		t.Fatal(err)
	}
	var held atomic.Int32 // streams that are held back: the first so many
	var streams atomic.Int32
	relay := &httputil.ReverseProxy{
		Rewrite:       func(p *httputil.ProxyRequest) { p.SetURL(to); p.Out.Host = p.In.Host },
		FlushInterval: -1,
		ModifyResponse: func(resp *http.Response) error {
			if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
				resp.Body = &stream{ReadCloser: resp.Body, number: streams.Add(1), held: &held}
			}
			return nil
		},
	}
	server := httptest.NewServer(relay)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	p := openWith(t, server.URL, "/", 1280, 900, r.session())
	p.expect("ERR_") // the stream that is given up
	p.shows("#overall", "2 channels")
	r.ask("before")
	p.shows(".latest .row", "before")
	p.refresh() // it is counted as one that was heard of
	held.Store(streams.Load())
	r.ask("in-the-silence")
	eval[bool](p, `(() => { const real = Date.now; Date.now = () => real() + 60000; document.dispatchEvent(new Event('visibilitychange')); return true; })()`)
	p.shows(".latest .row", "in-the-silence")
	if streams.Load() < 2 {
		t.Error("the event came by the stream that was held back")
	}
}

// stream is the body of an event stream, which can be held back: what comes is
// swallowed.
type stream struct {
	io.ReadCloser
	number int32
	held   *atomic.Int32
}

func (s *stream) Read(b []byte) (int, error) {
	for {
		n, err := s.ReadCloser.Read(b)
		if err != nil || s.number > s.held.Load() {
			return n, err
		}
	}
}

// TestASlowStreamLeavesThePageUsable lets events through a few bytes at a time. Actions
// take effect at once, what happened is shown, and the stream is not opened again.
func TestASlowStreamLeavesThePageUsable(t *testing.T) {
	r, _, _ := begin(t, "")
	to, err := url.Parse(r.panel)
	if err != nil {
		t.Fatal(err)
	}
	var streams atomic.Int32
	relay := &httputil.ReverseProxy{
		Rewrite:       func(p *httputil.ProxyRequest) { p.SetURL(to); p.Out.Host = p.In.Host },
		FlushInterval: -1,
		ModifyResponse: func(resp *http.Response) error {
			if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
				streams.Add(1)
				resp.Body = &slow{resp.Body}
			}
			return nil
		},
	}
	server := httptest.NewServer(relay)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	p := openWith(t, server.URL, "/", 1280, 900, r.session())
	p.shows("#overall", "2 channels")
	for range 12 {
		r.ask("slowly")
	}
	p.press(`[data-name="backup"]`, "Pause backup")
	p.shows(`[data-name="backup"] .state`, "Paused")
	p.until(`document.querySelector('[data-name="primary"] .calls dd').textContent === '12'`) // by asking
	p.shows(".latest .row", "slowly")
	p.until(`document.body.dataset.connection === 'live' && document.querySelector('#banner').hidden`)
	if n := streams.Load(); n != 1 {
		t.Errorf("%d streams were begun", n)
	}
}

// slow is a body that arrives at about 1 KB a second.
type slow struct{ io.ReadCloser }

func (s *slow) Read(b []byte) (int, error) {
	time.Sleep(30 * time.Millisecond)
	return s.ReadCloser.Read(b[:min(len(b), 32)])
}
