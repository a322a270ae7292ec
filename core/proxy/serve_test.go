package proxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/upstream"
	"github.com/aitunnel/aitunnel/plugins/keyselectors"
	"github.com/aitunnel/aitunnel/plugins/strategies"
	"github.com/aitunnel/aitunnel/sdk"
)

// atOnce answers without a network, so that only the proxy itself is measured.
type atOnce struct{ answer []byte }

func (s atOnce) Do(r *http.Request, _ upstream.Call) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}, "Date": {"x"}},
		ContentLength: int64(len(s.answer)), Body: io.NopCloser(bytes.NewReader(s.answer)), Request: r,
	}, nil
}

// sink discards an answer.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) Flush()                      {}

func (s *sink) SetReadDeadline(time.Time) error  { return nil }
func (s *sink) SetWriteDeadline(time.Time) error { return nil }

// inProcess returns a handler with a channel of two keys whose site answers at once.
func inProcess(tb testing.TB) *Handler {
	tb.Helper()
	registry := channel.NewRegistry(channel.Options{Seed: []byte("seed")})
	ch := &config.Channel{
		Name: "site", Target: &url.URL{Scheme: "https", Host: "site.example"}, Weight: 1, Auth: config.Auth{Style: config.AuthAuto},
		KeySelector: &config.Component{Kind: sdk.KindKeySelector, Ref: "least-used", Name: "least-used"},
		Timeouts:    config.Timeouts{Connect: time.Minute, FirstByte: time.Minute, StreamIdle: time.Minute},
	}
	for i := range 2 {
		ch.Keys = append(ch.Keys, &config.Key{Value: config.NewSecret(fmt.Sprintf("sk-bench-key-%d", i)), Weight: 1})
	}
	cfg := &config.Config{
		Proxy: config.Proxy{MaxBody: 64 << 20, ReplayLimit: 8 << 20, BufferLimit: 256 << 20}, Channels: []*config.Channel{ch},
		Routes: []*config.Route{{Pattern: "/v1/**", Channels: []*config.Channel{ch}, Strategy: &config.Component{Kind: sdk.KindStrategy, Ref: "priority", Name: "priority"}}},
		Retry:  config.Retry{MaxRetries: 3, On: []int{429, 502, 503}}, Breaker: config.Breaker(channel.DefaultBreaker),
	}
	table, err := route.Build(tb.Context(), cfg, route.Options{Registry: registry, Notice: func(string) {}, Open: func(_ context.Context, c *config.Component, _ route.Purpose) (sdk.Component, error) {
		all := slices.Concat(strategies.Components(), keyselectors.Components())
		i := slices.IndexFunc(all, func(f sdk.Factory) bool { return f.Name == c.Name })
		return all[i].New(), nil
	}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(table.Close)
	table.Activate(cfg, registry)
	h := New(Options{Registry: registry, Bus: event.NewBus(1000, nil)})
	h.Use(cfg, table)
	answer := []byte(`{"id":"x","choices":[{"message":{"content":"` + strings.Repeat("lorem ips ", 80) + `"}}],"usage":{"prompt_tokens":12,"completion_tokens":34}}`)
	s := h.current.Load()
	for _, to := range s.sites {
		to.egresses = []egress{{transport: atOnce{answer}}}
	}
	return h
}

// ask sends a request, and says whether it was answered.
func ask(ctx context.Context, h *Handler, body []byte) bool {
	r := (&http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/v1/chat/completions"}, RequestURI: "/v1/chat/completions", Host: "localhost",
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
		Header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer sk-bench"}, "User-Agent": {"bench"}},
	}).WithContext(ctx)
	w := &sink{http.Header{}}
	h.ServeHTTP(w, r)
	return w.header["Content-Type"] != nil
}

func bodyOf(size int) []byte {
	return []byte(`{"model":"bench","padding":"` + strings.Repeat("x", size) + `"}`)
}

// BenchmarkServe measures what the proxy does for a request, without net/http on both
// sides.
func BenchmarkServe(b *testing.B) {
	h, body := inProcess(b), bodyOf(2000)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		if !ask(ctx, h, body) {
			b.Fatal("no answer")
		}
	}
}

// heap returns the memory in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// While an answer is streamed, the request's body is no longer in memory.
func TestStreamsHoldNoBodies(t *testing.T) {
	const streams, size = 20, 1 << 20
	site := newTestSite(t, func(c *siteConn) {
		c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
		c.chunk("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n")
		c.seenRequest = seenRequest{}
		<-c.site.hold
	})
	r := newRig(t, nil, site)
	body := string(bodyOf(size))
	before := heap()
	for range streams {
		resp, err := http.Post(r.server.URL+"/v1/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if _, err := resp.Body.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	site.mu.Lock()
	site.seen = nil
	site.mu.Unlock()
	if used := r.handler.current.Load().memory.used.Load(); used != 0 {
		t.Errorf("%d bytes count toward proxy.buffer_limit", used)
	}
	if after := heap(); after > before+streams*size/4 {
		t.Errorf("%d streams hold %d bytes", streams, after-before)
	}
}

// The records of requests are kept; their bodies are not.
func TestRecordsKeepNoBodies(t *testing.T) {
	const requests, size = 100, 256 << 10
	h, body := inProcess(t), bodyOf(size)
	before := heap()
	for range requests {
		if !ask(t.Context(), h, body) {
			t.Fatal("no answer")
		}
	}
	if after := heap(); after > before+requests*size/10 {
		t.Errorf("%d requests of %d bytes left %d bytes behind", requests, size, after-before)
	}
	if n := len(h.bus.Recent(1000)); n != requests {
		t.Errorf("%d events are remembered", n)
	}
	runtime.KeepAlive(h)
}
