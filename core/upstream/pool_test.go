package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

func read(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return string(b)
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	p := s.pool(t)
	for range 5 {
		if got := read1(t, p, s); got != "ok" {
			t.Fatal(got)
		}
	}
	if n := s.connections(); n != 1 {
		t.Errorf("%d connections for 5 requests, want 1", n)
	}
}

func read1(t *testing.T, p *Pool, s *site) string {
	t.Helper()
	resp, err := p.RoundTrip(s.request(t, "POST", "body"))
	return read(t, resp, err)
}

// An error for a connection that the site has closed says that it is stale, and how much
// was written. Nothing is sent twice.
func TestAConnectionThatTheSiteClosedIsStale(t *testing.T) {
	t.Parallel()
	s := newSite(t, good, script{end: closeIt}, good)
	p := s.pool(t)
	read1(t, p, s)
	_, err := p.RoundTrip(s.request(t, "POST", "second"))
	var e *Error
	if !errors.As(err, &e) || e.Phase != Stale || e.Sent != SentAll {
		t.Fatalf("%+v", err)
	}
	resp, err := p.Do(s.request(t, "POST", "second"), Call{Fresh: true})
	if got := read(t, resp, err); got != "ok" {
		t.Fatal(got)
	}
	if got := s.received(); len(got) != 3 {
		t.Errorf("the site got %q", got)
	}
}

// A connection that is found to be closed before it is used causes no error.
func TestClosedWhileIdle(t *testing.T) {
	t.Parallel()
	s := newSite(t, script{pieces: []string{whole("ok")}, end: closeIt})
	p := s.pool(t)
	for i := range 3 {
		if got := read1(t, p, s); got != "ok" {
			t.Fatal(got)
		}
		testhelp.Eventually(t, "the idle connection is found to be closed", func() bool {
			c := p.pop()
			if c == nil {
				return true
			}
			usable := c.usable(false)
			p.keep(c)
			return !usable
		})
		if n := s.connections(); n != i+1 {
			t.Fatal(n)
		}
	}
}

func TestUnsolicitedBytesCloseAConnection(t *testing.T) {
	t.Parallel()
	s := newSite(t, script{pieces: []string{whole("ok"), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"}, gap: 20 * time.Millisecond}, good)
	p := s.pool(t)
	read1(t, p, s)
	testhelp.Eventually(t, "the unsolicited bytes are noticed", func() bool {
		c := p.pop()
		if c == nil {
			return true // the bytes came before the connection was given back
		}
		usable := c.usable(false)
		p.keep(c)
		return !usable
	})
	if got := read1(t, p, s); got != "ok" {
		t.Errorf("the second answer is %q", got)
	}
}

func TestKeepAliveTime(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{"timeout=5": 4 * time.Second, "timeout=1": -1, "timeout=0": -1, "max=5, Timeout=60": 59 * time.Second, "x": 0, "": 0} {
		if got := keepAliveTime(http.Header{"Keep-Alive": {value}}, 0); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

// The end of the context ends a request in every phase, at once.
func TestACanceledContextEndsARequestInEveryPhase(t *testing.T) {
	t.Parallel()
	silent := script{gap: time.Minute, pieces: []string{""}}
	slow := script{gap: time.Minute, pieces: []string{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", ""}}
	for name, tt := range map[string]struct {
		script script
		body   string
		sent   Sent
	}{
		"waiting":  {silent, "x", SentAll},
		"sending":  {script{early: true, pieces: []string{""}, gap: time.Minute}, strings.Repeat("x", 64<<20), SentPart},
		"in body":  {slow, "x", SentAll},
		"too late": {good, "x", SentNothing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tt.script)
			cause := errors.New("no longer wanted")
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if name == "too late" {
				cancel(cause)
			} else {
				go func() {
					for s.heads.Load() == 0 && ctx.Err() == nil {
						time.Sleep(time.Millisecond)
					}
					cancel(cause)
				}()
			}
			resp, err := s.pool(t).RoundTrip(s.request(t, "POST", tt.body).WithContext(ctx))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err == nil || name != "in body" {
					t.Fatalf("%v", err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Phase != Canceled || !errors.Is(err, cause) || e.Sent != tt.sent {
				t.Errorf("%+v (sent %d), want %d", err, e.Sent, tt.sent)
			}
		})
	}
}

// slowBody is a slow request body.
type slowBody struct{ io.Reader }

func (b slowBody) Read(p []byte) (int, error) {
	time.Sleep(50 * time.Millisecond)
	return b.Reader.Read(p)
}

// TestAnswerBeforeTheRequest on a new connection that stays open. Nothing else is sent, so
// waiting for more would take forever.
func TestAnswerBeforeTheRequest(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveEach(t, l, func(c net.Conn) {
		defer func() { _ = c.Close() }()
		_, _ = io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbusy")
		<-t.Context().Done()
	})
	s := &site{Listener: l}
	p := s.pool(t)
	for range 3 {
		r := s.request(t, "POST", "body")
		r.Body = io.NopCloser(slowBody{r.Body}) // the answer arrives before it is read
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		resp, err := p.RoundTrip(r.WithContext(ctx))
		if got := read(t, resp, err); got != "busy" {
			t.Errorf("%d, %q", resp.StatusCode, got)
		}
		cancel()
	}
}

// An early answer is read while the body is still being sent.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t, script{early: true, pieces: []string{"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"}, gap: 10 * time.Millisecond, end: halfClose})
	in, out := io.Pipe()
	t.Cleanup(func() { _ = out.Close() })
	r := s.request(t, "POST", "x")
	r.Body, r.ContentLength = in, -1
	go func() { _, _ = out.Write(make([]byte, 1<<10)) }()
	resp, err := s.pool(t).RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Fatalf("%v, %v", resp, err)
	}
	if got := read(t, resp, err); got != "no" {
		t.Error(got)
	}
}

func TestEarlyHintsArePassedOn(t *testing.T) {
	t.Parallel()
	s := newSite(t, script{pieces: []string{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + whole("ok")}})
	var got hints
	resp, err := s.pool(t).Do(s.request(t, "GET", ""), Call{Hints: &got})
	if body := read(t, resp, err); body != "ok" || http.Header(got).Get("Link") != "</a>" {
		t.Errorf("%q, hints %v", body, got)
	}
}

type hints http.Header

func (h *hints) EarlyHints(header http.Header) { *h = hints(header) }

func TestChangeOfProtocol(t *testing.T) {
	t.Parallel()
	s := newSite(t, script{pieces: []string{"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello"}, end: halfClose})
	r := s.request(t, "GET", "")
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	resp, err := s.pool(t).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	both := resp.Body.(io.ReadWriteCloser)
	if _, err := io.WriteString(both, "x"); err != nil {
		t.Error(err)
	}
	if got := read(t, resp, nil); got != "hello" {
		t.Error(got)
	}
}

func TestHeadersThatCannotBeSent(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	for _, h := range []http.Header{{"X-A": {"a\r\nX-B: b"}}, {"X A": {"b"}}, {"": {"b"}}, {"X-A:": {"b"}}, {"X-A": {"\x00"}}} {
		r := s.request(t, "GET", "")
		r.Header = h
		if _, err := s.pool(t).RoundTrip(r); PhaseOf(err) != Local {
			t.Errorf("%q: %v", h, err)
		}
	}
}

// Phases of a connection that cannot be made.
func TestPhaseOfAFailedConnection(t *testing.T) {
	t.Parallel()
	s := newSite(t, script{pieces: []string{"no TLS here\r\n"}, end: closeIt})
	closed := newSite(t, good)
	_ = closed.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	slow, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slow.Close() })
	for target, want := range map[string]Phase{
		"http://" + closed.Addr().String(): Connect,
		"https://" + s.Addr().String():     TLS,
		secure.URL:                         TLS,
		"http://name.invalid":              Resolve,
		"https://" + slow.Addr().String():  TLS,
	} {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		p := NewPool(Options{Target: u, Connect: 3 * time.Second})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.RoundTrip(r)
		var e *Error
		if !errors.As(err, &e) || e.Phase != want || e.Sent != SentNothing || !e.Dialing() {
			t.Errorf("%s: %v, want phase %s", target, err, want)
		}
		p.Close()
	}
}

// An address that does not answer does not delay the next one.
func TestNextAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	p := s.pool(t)
	_, port, _ := net.SplitHostPort(p.address)
	p.address = net.JoinHostPort("site.example", port)
	lookups := 0
	p.connector.lookup = func(context.Context, string) ([]netip.Addr, error) {
		lookups++
		// The first one is never answered (RFC 5737), the second refuses.
		return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.1")}, nil
	}
	begun := time.Now()
	if got := read1(t, p, s); got != "ok" {
		t.Error(got)
	}
	if took := time.Since(begun); took > 4*time.Second || lookups != 1 {
		t.Errorf("%s, %d lookups", took, lookups)
	}
}
