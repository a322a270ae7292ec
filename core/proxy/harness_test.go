package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/plugins/keyselectors"
	"github.com/aitunnel/aitunnel/plugins/strategies"
	"github.com/aitunnel/aitunnel/sdk"
)

// testSite is a scripted site: each request gets the next script, and all further ones
// the last. A script writes the bytes of the answer.
type testSite struct {
	t       testing.TB
	address string
	hold    chan struct{} // closed at the end of the test

	mu       sync.Mutex
	scripts  []script
	seen     []seenRequest
	accepted int
}

type script func(c *siteConn)

// siteConn is the connection of one request.
type siteConn struct {
	net.Conn
	seenRequest
	site *testSite
}

type seenRequest struct {
	*http.Request
	body string
}

// newTestSite starts a site with the scripts.
func newTestSite(t testing.TB, scripts ...script) *testSite {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &testSite{t: t, address: l.Addr().String(), scripts: scripts, hold: make(chan struct{})}
	var running sync.WaitGroup
	t.Cleanup(func() {
		close(s.hold)
		_ = l.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.accepted++
			s.mu.Unlock()
			running.Go(func() { s.serve(conn) })
		}
	})
	return s
}

func (s *testSite) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	go func() {
		<-s.hold
		_ = conn.Close()
	}()
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		seen := seenRequest{r, string(body)}
		s.seen = append(s.seen, seen)
		next := s.scripts[0]
		if len(s.scripts) > 1 {
			s.scripts = s.scripts[1:]
		}
		s.mu.Unlock()
		next(&siteConn{Conn: conn, seenRequest: seen, site: s})
	}
}

// then replaces the remaining scripts.
func (s *testSite) then(scripts ...script) {
	s.mu.Lock()
	s.scripts = scripts
	s.mu.Unlock()
}

// requests returns the requests that the site received.
func (s *testSite) requests() []seenRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// keys returns the credentials of the requests, in order.
func (s *testSite) keys() []string {
	out := []string{}
	for _, r := range s.requests() {
		out = append(out, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+r.Header.Get("X-Api-Key")+r.Header.Get("X-Goog-Api-Key"))
	}
	return out
}

func (s *testSite) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

func (c *siteConn) send(text string) { _, _ = io.WriteString(c.Conn, text) }

// sleep waits, but not beyond the end of the test.
func (c *siteConn) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.site.hold:
	}
}

func (c *siteConn) close() { _ = c.Conn.Close() }

// reply answers with a status, headers and a body of known length.
func reply(status int, body string, headers ...string) script {
	return func(c *siteConn) {
		var h strings.Builder
		kind := "Content-Type: application/json\r\n"
		for _, line := range headers {
			if strings.HasPrefix(line, "Content-Type:") {
				kind = ""
			}
			h.WriteString(line + "\r\n")
		}
		c.send(fmt.Sprintf("HTTP/1.1 %d %s\r\n%s%sContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), kind, h.String(), len(body), body))
	}
}

// streamOf answers with an event stream, each piece a chunk of its own.
func streamOf(pieces ...string) script { return chunked("text/event-stream", true, pieces...) }

func chunked(contentType string, end bool, pieces ...string) script {
	return func(c *siteConn) {
		c.send("HTTP/1.1 200 OK\r\nContent-Type: " + contentType + "\r\nTransfer-Encoding: chunked\r\n\r\n")
		for _, p := range pieces {
			c.chunk(p)
		}
		if end {
			c.send("0\r\n\r\n")
		} else {
			c.close()
		}
	}
}

func (c *siteConn) chunk(text string) { c.send(fmt.Sprintf("%x\r\n%s\r\n", len(text), text)) }

const (
	chatAnswer    = `{"id":"c1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}`
	chatPath      = "/v1/chat/completions"
	chatBody      = `{"model":"gpt-x","messages":[{"role":"user","content":"hi"}]}`
	chatStream    = `{"model":"gpt-x","stream":true,"messages":[{"role":"user","content":"hi"}]}`
	messagesBody  = `{"model":"claude-x","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`
	responsesBody = `{"model":"gpt-x","stream":true,"input":"hi"}`
)

var (
	good       = reply(200, chatAnswer)
	goodEvents = []string{
		`data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}` + "\n\n",
		`data: {"choices":[{"index":0,"delta":{"content":"hello"}}]}` + "\n\n",
		`data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n",
		"data: [DONE]\n\n",
	}
	goodStream   = streamOf(goodEvents...)
	goodMessages = streamOf(
		"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"content\":[]}}\n\n",
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hello\"}}\n\n",
		"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
	goodResponses = streamOf(
		"event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\"}}\n\n",
		"event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"item\":{\"type\":\"message\"}}\n\n",
		"event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"hello\"}\n\n",
		"event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"status\":\"completed\"}}\n\n")
)

// rig is a proxy with sites.
type rig struct {
	t        testing.TB
	handler  *Handler
	registry *channel.Registry
	bus      *event.Bus
	config   *config.Config
	server   *httptest.Server
	ahead    atomic.Int64 // nanoseconds by which the registry's clock is ahead
}

// newRig starts a proxy with a channel for each site, the first before the
// second: "a" with the keys a1, a2 and a3, "b" with b1 and so on.
func newRig(t testing.TB, change func(*config.Config), sites ...*testSite) *rig {
	t.Helper()
	return newRigTrusting(t, nil, change, sites...)
}

// newRigTrusting is newRig with authorities that the sites' certificates may have.
func newRigTrusting(t testing.TB, roots *x509.CertPool, change func(*config.Config), sites ...*testSite) *rig {
	t.Helper()
	r := &rig{t: t, bus: event.NewBus(1000, nil)}
	r.registry = channel.NewRegistry(channel.Options{Seed: []byte("seed"), Now: func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }})
	r.config = &config.Config{
		Proxy:   config.Proxy{MaxBody: 64 << 20, ReplayLimit: 8 << 20, BufferLimit: 256 << 20, StreamKeepalive: 15 * time.Second},
		Retry:   config.Retry{MaxRetries: 3, On: config.DefaultRetryOn(), Backoff: config.BackoffExponential, BaseDelay: 10 * time.Millisecond, MaxDelay: 10 * time.Second, AfterSent: true},
		Breaker: config.Breaker(channel.DefaultBreaker),
	}
	for i, s := range sites {
		name := string(rune('a' + i))
		ch := &config.Channel{
			Name: name, Target: &url.URL{Scheme: "http", Host: s.address}, Weight: float64(len(sites) - i), Auth: config.Auth{Style: config.AuthAuto},
			KeySelector: &config.Component{Kind: sdk.KindKeySelector, Ref: "sequential", Name: "sequential"},
			Timeouts:    config.Timeouts{Connect: 5 * time.Second, StreamIdle: 30 * time.Second},
		}
		for k := range 3 {
			ch.Keys = append(ch.Keys, &config.Key{Value: config.NewSecret(fmt.Sprintf("sk-key-%s%d", name, k+1)), Label: fmt.Sprintf("%s%d", name, k+1), Weight: 1})
		}
		r.config.Channels = append(r.config.Channels, ch)
	}
	r.config.Routes = []*config.Route{{Pattern: "/**", Channels: r.config.Channels, Strategy: &config.Component{Kind: sdk.KindStrategy, Ref: "priority", Name: "priority"}}}
	if change != nil {
		change(r.config)
	}
	table, err := route.Build(t.Context(), r.config, route.Options{Registry: r.registry, Notice: func(string) {}, Open: func(_ context.Context, c *config.Component, _ route.Purpose) (sdk.Component, error) {
		components := strategies.Components()
		if c.Kind == sdk.KindKeySelector {
			components = keyselectors.Components()
		}
		i := slices.IndexFunc(components, func(f sdk.Factory) bool { return f.Name == c.Name })
		return components[i].New(), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(table.Close)
	table.Activate(r.config, r.registry)
	r.handler = New(Options{Registry: r.registry, Bus: r.bus, Roots: roots})
	r.handler.Use(r.config, table)
	r.server = httptest.NewServer(r.handler)
	t.Cleanup(r.server.Close)
	return r
}

// got is the answer that a caller got.
type got struct {
	status int
	header http.Header
	body   string
	err    error
	took   time.Duration
}

func (r *rig) ask(method, path, body string, headers ...string) got {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.server.URL+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for pair := range slices.Chunk(headers, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	begun := time.Now()
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{CheckRedirect: followNoRedirect, Transport: transport}).Do(req)
	if err != nil {
		return got{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return got{resp.StatusCode, resp.Header, string(b), err, time.Since(begun)}
}

func (r *rig) post(path, body string, headers ...string) got {
	r.t.Helper()
	return r.ask("POST", path, body, headers...)
}

// raw sends bytes over a connection of its own and returns all that comes back.
func (r *rig) raw(text string, closeWrite bool) string {
	r.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.server.URL, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, text)
	if closeWrite {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var b bytes.Buffer
	_, _ = io.Copy(&b, conn)
	return b.String()
}

// keyStates returns the states of a channel's keys, by label.
func (r *rig) keyStates(name string) map[string]string {
	out := map[string]string{}
	for _, c := range r.config.Channels {
		if c.Name != name {
			continue
		}
		s := r.registry.Channel(c.Name, c.Target.String())
		for _, k := range c.Keys {
			out[k.Label] = s.Key(k.Value.Plaintext()).View(r.registry.Now()).State()
		}
	}
	return out
}

// wantReady fails if a key of the channel is not usable.
func (r *rig) wantReady(channel string) {
	r.t.Helper()
	for label, state := range r.keyStates(channel) {
		if state != "ready" {
			r.t.Errorf("key %s is %s", label, state)
		}
	}
}

// last returns the record of the latest request.
func (r *rig) last() *event.Request {
	r.t.Helper()
	var all []*event.Request
	testhelp.Eventually(r.t, "a request is recorded", func() bool { all = r.records(); return len(all) > 0 })
	return all[len(all)-1]
}
