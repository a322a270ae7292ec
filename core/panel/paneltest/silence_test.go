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

// TestASilentlyLostConnectionIsNoticed uses a relay that holds back the events of the open
// stream, as after a machine has slept: the connection is open, but nothing arrives.
func TestASilentlyLostConnectionIsNoticed(t *testing.T) {
	r, _, _ := begin(t, "")
	to, err := url.Parse(r.panel)
	if err != nil {
		t.Fatal(err)
	}
	var held atomic.Int32 // how many streams are held back
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
	p.expect("ERR_") // the stream that is replaced
	p.shows("#overall", "2 channels")
	r.ask("before")
	p.shows(".latest .row", "before")
	p.refresh() // it counts as received
	held.Store(streams.Load())
	r.ask("in-the-silence")
	eval[bool](p, `(() => { const real = Date.now; Date.now = () => real() + 60000; document.dispatchEvent(new Event('visibilitychange')); return true; })()`)
	p.shows(".latest .row", "in-the-silence")
	if streams.Load() < 2 {
		t.Error("the event came over the stream that is held back")
	}
}

// stream is the body of an event stream, whose data can be dropped.
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

// TestASlowStreamLeavesThePageUsable passes on events a few bytes at a time. Actions take
// effect at once, their results are shown, and the stream is not opened again.
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
	p.until(`document.querySelector('[data-name="primary"] .calls dd').textContent === '12'`) // by polling
	p.shows(".latest .row", "slowly")
	p.until(`document.body.dataset.connection === 'live' && document.querySelector('#banner').hidden`)
	if n := streams.Load(); n != 1 {
		t.Errorf("%d streams were opened", n)
	}
}

// slow is a body that arrives at about 1 KB a second.
type slow struct{ io.ReadCloser }

func (s *slow) Read(b []byte) (int, error) {
	time.Sleep(30 * time.Millisecond)
	return s.ReadCloser.Read(b[:min(len(b), 32)])
}
