package upstream

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// An HTTP/2 site closes a connection after it answered: the next request, which cannot be
// written any more, neither takes that answer with it nor counts as sent.
func TestAnswerThatArrivedIsReadAfterAWriteFails(t *testing.T) {
	t.Parallel()
	var asked sync.Map
	answered, ended := make(chan struct{}), make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		n, _ := asked.LoadOrStore(r.URL.Path, new(atomic.Int32))
		n.(*atomic.Int32).Add(1)
		_, _ = io.WriteString(w, "ok")
		switch r.URL.Path {
		case "/stream":
			_ = http.NewResponseController(w).Flush()
			<-ended
		case "/first":
			close(answered)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())

	held := &heldConn{}
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := NewPool(Options{Target: target, Connect: 20 * time.Second, Roots: roots, Egress: Egress{
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
			if held.Conn == nil && err == nil {
				held.Conn = c
				return held, nil
			}
			return c, err
		},
	}})
	t.Cleanup(p.Close)
	post := func(path string, call Call) (string, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader("body"))
		if err != nil {
			return "", err
		}
		resp, err := p.Do(r, call)
		if err != nil {
			return "", err
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/stream", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := p.Do(r, Call{}) // others use its connection
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	defer close(ended)

	held.reads.Lock() // what arrives stays in the socket
	type result struct {
		body string
		err  error
	}
	first, second := make(chan result, 1), make(chan result, 1)
	go func() { b, err := post("/first", Call{}); first <- result{b, err} }()
	<-answered
	held.refuses.Store(true)
	go func() { b, err := post("/second", Call{}); second <- result{b, err} }()
	testhelp.Eventually(t, "the write is refused", func() bool { return held.refused.Load() > 0 })
	held.reads.Unlock()

	if got := <-first; got.body != "ok" {
		t.Errorf("the answer that had arrived: %q, %v", got.body, got.err)
	}
	_ = held.Conn.Close()
	got := <-second
	var e *Error
	if !errors.As(got.err, &e) || e.Phase != Stale || e.Sent != SentNothing {
		t.Errorf("the request that was not written: %q, %#v", got.body, got.err)
	}
	if body, err := post("/second", Call{Fresh: true}); body != "ok" {
		t.Errorf("the next connection: %q, %v", body, err)
	}
	for _, path := range []string{"/stream", "/first", "/second"} {
		if n, ok := asked.Load(path); !ok || n.(*atomic.Int32).Load() != 1 {
			t.Errorf("%s did not arrive once", path)
		}
	}
}

// heldConn is a connection whose reads can be held up and whose writes can fail.
type heldConn struct {
	net.Conn
	reads   sync.Mutex
	refuses atomic.Bool
	refused atomic.Int32
}

func (c *heldConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.reads.Lock()
	defer c.reads.Unlock()
	return n, err
}

func (c *heldConn) Write(p []byte) (int, error) {
	if c.refuses.Load() {
		c.refused.Add(1)
		return 0, syscall.EPIPE
	}
	return c.Conn.Write(p)
}

// A site that takes one request at a time on each HTTP/2 connection gets many: no more
// than the limit stay open when they are idle.
func TestIdleHTTP2ConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	const callers, most = 24, 4
	var arrived sync.WaitGroup
	arrived.Add(callers)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/together" {
			arrived.Done()
			arrived.Wait()
		}
	}))
	server.EnableHTTP2 = true
	server.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 1}
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := NewPool(Options{Target: target, Connect: 20 * time.Second, Roots: roots})
	p.most = most
	t.Cleanup(p.Close)
	get := func(path string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Error(err)
			return
		}
		resp, err := p.Do(r, Call{})
		if err != nil {
			t.Error(path, err)
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	get("/first")
	var all sync.WaitGroup
	for range callers {
		all.Go(func() { get("/together") })
	}
	all.Wait()
	testhelp.Eventually(t, "idle connections over the bound are closed", func() bool {
		get("/later")
		return p.shared.Load() <= most
	})
	p.CloseIdleConnections()
	testhelp.Eventually(t, "all connections are closed", func() bool { return p.shared.Load() == 0 })
}
