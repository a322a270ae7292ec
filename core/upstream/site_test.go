package upstream

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// site answers each request with the next script; the last one again and again.
type site struct {
	net.Listener
	mu       sync.Mutex
	scripts  []script
	accepted int
	heads    atomic.Int64 // of requests that arrived
	bodies   []string
}

// script says what a site does with a connection after a request.
type script struct {
	early  bool     // answer before the body is read
	pieces []string // written one after the other
	gap    time.Duration
	end    ending
}

type ending int

const (
	keepOpen ending = iota
	closeIt
	resetIt
	halfClose
)

func newSite(t testing.TB, scripts ...script) *site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Listener: l, scripts: scripts}
	serveEach(t, l, func(c net.Conn) {
		s.mu.Lock()
		s.accepted++
		s.mu.Unlock()
		s.serve(c)
	})
	return s
}

// serveEach serves the connections of a listener until the test ends.
func serveEach(t testing.TB, l net.Listener, serve func(net.Conn)) {
	t.Helper()
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
}

func (s *site) next() script {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.scripts[0]
	if len(s.scripts) > 1 {
		s.scripts = s.scripts[1:]
	}
	return next
}

func (s *site) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		do := s.next()
		s.heads.Add(1)
		if !do.early {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.bodies = append(s.bodies, string(b))
			s.mu.Unlock()
		}
		for _, piece := range do.pieces {
			if _, err := io.WriteString(c, piece); err != nil {
				return
			}
			time.Sleep(do.gap)
		}
		switch do.end {
		case closeIt:
			return
		case resetIt:
			_ = c.(*net.TCPConn).SetLinger(0)
			return
		case halfClose:
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, in)
			return
		}
		if do.early {
			_, _ = io.Copy(io.Discard, r.Body)
		}
	}
}

func (s *site) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

func (s *site) received() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.bodies...)
}

func (s *site) url() *url.URL { return &url.URL{Scheme: "http", Host: s.Addr().String()} }

func (s *site) pool(t testing.TB) *Pool {
	t.Helper()
	p := NewPool(Options{Target: s.url(), Connect: 5 * time.Second})
	t.Cleanup(p.Close)
	return p
}

func (s *site) request(t testing.TB, method, body string) *http.Request {
	t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.url().String()+"/v1", in)
	if err != nil {
		t.Fatal(err)
	}
	r.GetBody = nil
	return r
}

func whole(body string, headers ...string) string {
	head := ""
	for _, h := range headers {
		head += h + "\r\n"
	}
	return fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
}

var good = script{pieces: []string{whole("ok")}}
