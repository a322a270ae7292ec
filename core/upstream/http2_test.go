package upstream

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// strictSite speaks HTTP/2 as servers written with Go before 1.20 do: after it has
// announced the end of a connection, it takes frames of later requests for a breach of the
// protocol and sends no more on the connection, not even the answers that it owes.
type strictSite struct {
	net.Listener
	leaves func(path string) bool // the request is the last one that its connection takes
	seen   chan string            // the path of each accepted request

	mu       sync.Mutex
	accepted map[string]int // requests, by path
	conns    int
}

func newStrictSite(t *testing.T, leaves func(path string) bool) (*strictSite, *Pool) {
	t.Helper()
	keys := httptest.NewUnstartedServer(nil)
	keys.StartTLS()
	t.Cleanup(keys.Close)
	config := keys.TLS.Clone()
	config.NextProtos = []string{"h2"}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	s := &strictSite{Listener: l, leaves: leaves, seen: make(chan string, 100), accepted: map[string]int{}}
	serveEach(t, l, func(c net.Conn) {
		s.mu.Lock()
		s.conns++
		s.mu.Unlock()
		s.serve(c)
	})
	roots := x509.NewCertPool()
	roots.AddCert(keys.Certificate())
	p := NewPool(Options{Target: &url.URL{Scheme: "https", Host: l.Addr().String()}, Connect: 20 * time.Second, Roots: roots})
	t.Cleanup(p.Close)
	return s, p
}

func (s *strictSite) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	var writing sync.Mutex
	f := http2.NewFramer(c, c)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = f.WriteSettings()
	var last uint32 // the last accepted stream, once the end was announced
	broken := false
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		id := frame.Header().StreamID
		if last != 0 && id > last {
			writing.Lock()
			broken = true
			writing.Unlock()
			continue
		}
		h, ok := frame.(*http2.MetaHeadersFrame)
		if !ok {
			continue
		}
		path := h.PseudoValue("path")
		s.mu.Lock()
		s.accepted[path]++
		s.mu.Unlock()
		s.seen <- path
		leaves := s.leaves(path)
		if leaves {
			last = id
		}
		go func() {
			if leaves { // other requests are sent meanwhile
				time.Sleep(100 * time.Millisecond)
				writing.Lock()
				_ = f.WriteGoAway(id, http2.ErrCodeNo, nil)
				writing.Unlock()
			}
			if leaves || strings.HasPrefix(path, "/slow") {
				time.Sleep(200 * time.Millisecond)
			}
			writing.Lock()
			defer writing.Unlock()
			if broken {
				_ = c.Close()
				return
			}
			var head bytes.Buffer
			_ = hpack.NewEncoder(&head).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
			_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head.Bytes(), EndHeaders: true})
			_ = f.WriteData(id, true, []byte("ok"))
		}()
	}
}

func (s *strictSite) post(t *testing.T, p *Pool, path string) error {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.options.Target.String()+path, again("body").NewBody())
	if err != nil {
		return err
	}
	resp, err := p.Do(r, Call{Body: again("body")})
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "ok" {
		return fmt.Errorf("%q, %w", b, err)
	}
	return nil
}

// A site closes a connection just as it is used after a pause: it answers that request, and
// no other one is sent on the connection. Each request arrives once.
func TestSiteClosesAnIdleConnection(t *testing.T) {
	t.Parallel()
	s, p := newStrictSite(t, func(path string) bool { return path == "/first" })
	if err := s.post(t, p, "/before"); err != nil {
		t.Fatal(err)
	}
	<-s.seen
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.post(t, p, "/first"); err != nil {
			t.Error("/first", err)
		}
	})
	<-s.seen
	for i := range 5 {
		all.Go(func() {
			if err := s.post(t, p, fmt.Sprint("/later", i)); err != nil {
				t.Error("a later one", err)
			}
		})
	}
	all.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, n := range s.accepted {
		if n != 1 {
			t.Errorf("%s arrived %d times", path, n)
		}
	}
	if len(s.accepted) != 7 || s.conns != 2 {
		t.Errorf("%d requests on %d connections", len(s.accepted), s.conns)
	}
}

// A site that dropped an answer to a request that it had accepted gets one request at a
// time on each connection from then on.
func TestSiteDropsAnswers(t *testing.T) {
	t.Parallel()
	s, p := newStrictSite(t, func(path string) bool { return path == "/dropped" })
	if err := s.post(t, p, "/before"); err != nil {
		t.Fatal(err)
	}
	<-s.seen
	h := p.http2.Load()
	testhelp.Eventually(t, "the connection is closed", func() bool {
		p.CloseIdleConnections()
		return len(h.conns) == 0
	})
	var all sync.WaitGroup
	all.Go(func() {
		var e *Error
		if err := s.post(t, p, "/dropped"); !errors.As(err, &e) || e.Phase != NoAnswer || e.Sent != SentAll {
			t.Errorf("the request whose answer was dropped: %v", err)
		}
	})
	<-s.seen
	if err := s.post(t, p, "/beside"); err != nil {
		t.Fatal(err)
	}
	<-s.seen
	all.Wait()
	testhelp.Eventually(t, "the connections are closed", func() bool {
		p.CloseIdleConnections()
		return len(h.conns) == 0
	})
	s.mu.Lock()
	before := s.conns
	s.mu.Unlock()
	for i := range 3 {
		all.Go(func() {
			if err := s.post(t, p, fmt.Sprint("/slow", i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.conns - before; n != 3 {
		t.Errorf("%d connections for 3 requests", n)
	}
	for path, n := range s.accepted {
		if n != 1 {
			t.Errorf("%s arrived %d times", path, n)
		}
	}
}
