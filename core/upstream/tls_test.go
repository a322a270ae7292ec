package upstream

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// secureSite starts a site with TLS.
func secureSite(t *testing.T, http2 bool, h http.Handler, state ...func(net.Conn, http.ConnState)) (*Pool, *httptest.Server) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = http2
	for _, f := range state {
		server.Config.ConnState = f
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	p := NewPool(Options{Target: u, Connect: 5 * time.Second, Roots: roots})
	t.Cleanup(p.Close)
	return p, server
}

func TestTLS(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		var connections atomic.Int32
		p, server := secureSite(t, http2, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			_, _ = fmt.Fprint(w, r.Proto, len(b))
		}), func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				connections.Add(1)
			}
		})
		want := "HTTP/1.1"
		if http2 {
			want = "HTTP/2.0"
		}
		ask := func(n int) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, bytes.NewReader(make([]byte, n)))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := p.RoundTrip(r)
			if got := read(t, resp, err); got != fmt.Sprint(want, n) {
				t.Errorf("%q, want %s%d", got, want, n)
			}
		}
		for range 5 {
			ask(100)
		}
		if n := connections.Load(); n != 1 {
			t.Errorf("%d connections", n)
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { ask(200 << 10) })
		}
		all.Wait()
	}
}

// If a site no longer supports HTTP/2, HTTP/1.1 is used.
func TestNoLongerHTTP2(t *testing.T) {
	t.Parallel()
	var onlyHTTP1 atomic.Bool
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.Proto) })
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		own := server.TLS.Clone()
		own.GetConfigForClient = nil
		if onlyHTTP1.Load() {
			own.NextProtos = []string{"http/1.1"}
		}
		return own, nil
	}}
	server.StartTLS()
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	p := NewPool(Options{Target: u, Connect: 5 * time.Second, Roots: roots})
	t.Cleanup(p.Close)
	ask := func() string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := p.RoundTrip(r)
		if err != nil {
			return err.Error()
		}
		return read(t, resp, nil)
	}
	if got := ask(); got != "HTTP/2.0" {
		t.Fatal(got)
	}
	onlyHTTP1.Store(true)
	server.CloseClientConnections()
	testhelp.Eventually(t, "HTTP/1.1 is used", func() bool { return ask() == "HTTP/1.1" })
	if got := ask(); got != "HTTP/1.1" {
		t.Error(got)
	}
}

func TestSessionTicketsAreNotStrayBytes(t *testing.T) {
	t.Parallel()
	p, server := secureSite(t, false, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for range 3 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := p.RoundTrip(r)
		read(t, resp, err)
		c := p.pop()
		if c == nil {
			t.Fatal("the connection was not kept")
		}
		for range 3 {
			if !c.usable(true) {
				t.Fatal("the connection counts as closed")
			}
		}
		p.keep(c)
	}
}

// More than a record of TLS can hold unread bytes, where the system sees none.
func TestStrayBytesInARecord(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	l, err := tls.Listen("tcp", "127.0.0.1:0", server.TLS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				b := make([]byte, 4<<10)
				for {
					if _, err := c.Read(b); err != nil {
						return
					}
					// The answer ends exactly at the end of one Read of the pool.
					first := whole(strings.Repeat("a", 8000))
					_, _ = io.WriteString(c, first+whole("evil"))
				}
			}()
		}
	}()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	u := &url.URL{Scheme: "https", Host: l.Addr().String()}
	p := NewPool(Options{Target: u, Connect: 5 * time.Second, Roots: roots})
	t.Cleanup(p.Close)
	for range 3 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := p.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 8000)
		if _, err := io.ReadFull(resp.Body, b); err != nil || b[0] != 'a' {
			t.Fatalf("%q, %v", b[:4], err)
		}
		_, _ = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
}
