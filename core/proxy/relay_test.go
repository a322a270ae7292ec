package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// idle waits until no request is in flight.
func (r *rig) idle() {
	r.t.Helper()
	testhelp.Eventually(r.t, "the request ends", func() bool { return r.handler.Active() == 0 })
}

// wantNoBlame fails if the first channel has failed, or has anything in flight.
func (r *rig) wantNoBlame() {
	r.t.Helper()
	if n, held := r.failures(), r.state(0).InFlight(); n != 0 || held != 0 {
		r.t.Errorf("%d failures of the channel, %d in flight", n, held)
	}
}

// When a caller disconnects, the request to the site is canceled, and the channel has not
// failed.
func TestACallerThatDisconnectsEndsTheWorkAtTheSite(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		b       fakesite.Behavior
		body    string
		headers bool // that the caller gets before it disconnects
	}{
		"before an answer":       {fakesite.HangBeforeHeaders(), chatBody, false},
		"before the first event": {fakesite.HangAfterEvents(0), chatStream, false},
		"in a stream":            {fakesite.HangAfterEvents(2), chatStream, true},
		"in an answer":           {fakesite.HangAfterEvents(1), chatBody, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, "only")
			r := newRig(t, func(c *config.Config) { c.Proxy.StreamKeepalive = 100 * time.Millisecond }, at(t, s.URL()))
			s.Always(tt.b)
			ctx, leave := context.WithCancel(t.Context())
			answered := r.askUntil(ctx, tt.body)
			if tt.headers && !<-answered {
				t.Fatal("no headers came")
			}
			if _, err := s.WaitRequests(1, testhelp.Limit); err != nil {
				t.Fatal(err)
			}
			leave()
			if _, err := s.WaitDisconnected(1, testhelp.Limit); err != nil {
				t.Error(err)
			}
			r.idle()
			r.wantNoBlame()
			if s.Count() != 1 {
				t.Errorf("%d attempts", s.Count())
			}
		})
	}
	t.Run("while it waits for a key", func(t *testing.T) {
		t.Parallel()
		s := fake(t, "only")
		r := inFrontOf(t, config.Retry{MaxRetries: 3, BaseDelay: 10 * time.Millisecond, MaxDelay: time.Minute}, s)
		s.Always(fakesite.RateLimited(30 * time.Second))
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		r.askUntil(ctx, chatBody)
		testhelp.Eventually(t, "the key cools down", func() bool { return r.keyStates("a")[p1] != "ready" })
		if r.handler.Active() != 1 {
			t.Error("the request does not wait")
		}
		leave()
		r.idle()
	})
	t.Run("while it sends", func(t *testing.T) {
		t.Parallel()
		s := fake(t, "only")
		r := inFrontOf(t, defaults, s)
		conn := r.connect("POST " + chatPath + " HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
		testhelp.Eventually(t, "the request is in flight", func() bool { return r.handler.Active() == 1 })
		_ = conn.Close()
		r.idle()
		if s.Count() != 0 {
			t.Error("an incomplete request was sent to the site")
		}
	})
	t.Run("by closing its half", func(t *testing.T) { // the answer is not read
		t.Parallel()
		s := fake(t, "only")
		r := inFrontOf(t, defaults, s)
		s.Always(fakesite.HangBeforeHeaders())
		conn := r.connect("POST " + chatPath + " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
		if _, err := s.WaitRequests(1, testhelp.Limit); err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.WaitDisconnected(1, testhelp.Limit); err != nil {
			t.Error(err)
		}
		r.idle()
		r.wantNoBlame()
		if s.Count() != 1 {
			t.Errorf("%d attempts", s.Count())
		}
	})
}

// askUntil sends a request that ends with ctx, and reads its answer. The channel says
// whether headers came.
func (r *rig) askUntil(ctx context.Context, body string) <-chan bool {
	r.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.server.URL+chatPath, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	answered := make(chan bool, 1)
	go func() {
		resp, err := r.server.Client().Do(req)
		answered <- err == nil
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}()
	return answered
}

// The time that an answer takes is bounded by silence only. Scaled: the limit
// is a tenth of a second where users have minutes.
func TestASlowAnswerIsRelayed(t *testing.T) {
	t.Parallel()
	s := fake(t, "only", fakesite.Tokens(30), fakesite.Pace(40*time.Millisecond))
	r := newRig(t, func(c *config.Config) {
		c.Channels[0].Timeouts = config.Timeouts{Connect: 500 * time.Millisecond, FirstByte: 2 * time.Second, StreamIdle: 600 * time.Millisecond}
	}, at(t, s.URL()))
	got := r.post(chatPath, chatStream)
	if got.err != nil || !strings.Contains(got.body, "token-29") || !strings.HasSuffix(got.body, "data: [DONE]\n\n") {
		t.Fatalf("%d %v %q", got.status, got.err, got.body)
	}
	if got.took < 1200*time.Millisecond {
		t.Errorf("it was not slow: %s", got.took)
	}
	s.Next(fakesite.Delay(time.Second))
	if got := r.post(chatPath, chatBody); got.status != 200 || s.Count() != 2 {
		t.Errorf("an answer after a second: %d, %d attempts", got.status, s.Count())
	}
}

func TestBasePathAndQueryAreKept(t *testing.T) {
	t.Parallel()
	s := fake(t, "only")
	s.Always(fakesite.Status(200, "{}"))
	base, err := url.Parse(s.URL() + "/base/of%20it/")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *config.Config) { c.Channels[0].Target = base }, at(t, s.URL()))
	if got := r.post("/v1/chat/completions?a=1&b=%2F&a=2&key=callers-own", chatBody, "X-Own", "yes", "Forwarded", "for=me", "X-Forwarded-For", "1.2.3.4", "Via", "a", "Proxy-Authorization", "Basic x", "Connection", "X-Hop", "X-Hop", "1"); got.status != 200 {
		t.Fatal(got)
	}
	q := s.Requests()[0]
	if q.Path != "/base/of%20it/v1/chat/completions" || q.RawQuery != "a=1&b=%2F&a=2" {
		t.Errorf("%s ? %s", q.Path, q.RawQuery)
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "Via", "Proxy-Authorization", "X-Hop", "Connection"} {
		if v := q.Header.Get(name); v != "" {
			t.Errorf("%s: %s was sent on", name, v)
		}
	}
	if q.Header.Get("X-Own") != "yes" || q.Credential != "sk-key-a1" || "http://"+q.Host != s.URL() {
		t.Errorf("%v, host %s", q.Header, q.Host)
	}
}

func TestModelMapRewritesOnlyTheModel(t *testing.T) {
	t.Parallel()
	primary, backup := fake(t, "primary"), fake(t, "backup")
	r := newRig(t, func(c *config.Config) { c.Channels[0].ModelMap = map[string]string{"gpt-x": "vendor/gpt-x-long"} }, at(t, primary.URL()), at(t, backup.URL()))
	primary.Next(fakesite.Status(502, "{}"))
	const body = `{ "nested":{"model":"gpt-x"},  "model" : "gpt-x","n":1.50, "z":"ü\u00e9"}`
	if got := r.post(chatPath, body); got.status != 200 {
		t.Fatal(got)
	}
	want := strings.Replace(body, `"model" : "gpt-x"`, `"model" : "vendor/gpt-x-long"`, 1)
	if got := string(primary.Requests()[0].Body); got != want {
		t.Errorf("primary got %s", got)
	}
	if got := string(backup.Requests()[0].Body); got != body {
		t.Errorf("backup got %s", got)
	}
	if got := r.post("/v1beta/models/gpt-x:generateContent", "{}"); got.status != 200 || primary.Requests()[1].Path != "/v1beta/models/vendor%2Fgpt-x-long:generateContent" {
		t.Errorf("%d %s", got.status, primary.Requests()[1].Path)
	}
}

// A redirect within the site leads to the entry; one that leaves the site is a failure.
func TestRedirectsStayAtTheEntry(t *testing.T) {
	t.Parallel()
	s, other := fake(t, "only"), fake(t, "other")
	r := inFrontOf(t, quickly, s)
	for _, location := range []string{s.URL() + "/v1/x?a=b", "/v1/x?a=b"} {
		s.Next(fakesite.Redirect(location))
		got := r.post(chatPath, chatBody)
		if to := strings.TrimPrefix(got.header.Get("Location"), r.server.URL); got.status != 307 || to != "/v1/x?a=b" {
			t.Errorf("%s: %d %v", location, got.status, got.header)
		}
	}
	s.Always(fakesite.Redirect(other.URL() + "/v1/x"))
	if got := r.post(chatPath, chatBody); got.status != 502 || got.header.Get("Location") != "" || other.Count() != 0 {
		t.Errorf("%d %v, the other site got %d requests", got.status, got.header, other.Count())
	}
}

// The key of a channel goes to no other origin, whatever a site answers.
func TestKeysAreNotSentToOtherOrigins(t *testing.T) {
	t.Parallel()
	s, other := fake(t, "only"), fake(t, "other")
	r := inFrontOf(t, config.Retry{MaxRetries: 3, BaseDelay: time.Millisecond, MaxDelay: time.Second}, s)
	for _, header := range [][2]string{{"Location", other.URL() + "/x"}, {"Refresh", "0; url=" + other.URL()}, {"Alt-Svc", `h2="` + strings.TrimPrefix(other.URL(), "http://") + `"`}, {"Content-Location", other.URL()}} {
		for _, status := range []int{200, 201, 301, 302, 303, 307, 308} {
			s.Always(fakesite.Status(status, `{"ok":1}`, header[0], header[1]))
			want := status
			if header[0] == "Location" && status >= 300 {
				want = http.StatusBadGateway // it would leave the site, so it is not an answer
			}
			if got := r.post(chatPath, chatBody); got.status != want {
				t.Errorf("%d with %s: %+v", status, header[0], got)
			}
		}
	}
	if n := other.Count(); n != 0 {
		t.Errorf("the other site got %d requests: %v", n, credentials(other))
	}
}

// A canceled request does not close the idle connections of others.
func TestACanceledRequestLeavesPooledConnectionsOpen(t *testing.T) {
	t.Parallel()
	s := newTestSite(t, func(c *siteConn) {
		if strings.Contains(c.body, "fail") {
			reply(502, "{}")(c)
		} else {
			good(c)
		}
	})
	r := newRig(t, func(c *config.Config) {
		c.Retry.MaxRetries, c.Retry.BaseDelay = 1, time.Millisecond
		c.Breaker.Failures, c.Breaker.Ratio = 1000, 1
	}, s)
	for range 10 {
		if got := r.post(chatPath, chatBody); got.status != 200 {
			t.Fatalf("%+v", got)
		}
		if got := r.post(chatPath, `{"model":"fail"}`); got.status != 502 {
			t.Fatalf("%+v", got)
		}
	}
	if n := s.connections(); n > 2 {
		t.Errorf("one request after the other took %d connections", n)
	}
}

// Many streams at once through one channel are complete, over HTTP/1.1 and over HTTP/2 with
// its limit on streams per connection.
func TestManyStreamsAreComplete(t *testing.T) {
	for name, tt := range map[string]struct {
		streams int
		options []fakesite.Option
	}{
		"HTTP/1.1": {100, nil},
		"HTTP/2":   {300, []fakesite.Option{fakesite.TLS()}}, // more than a connection carries
	} {
		t.Run(name, func(t *testing.T) {
			if testhelp.LongForm() {
				tt.streams = 500
			}
			s := fake(t, "only", append(tt.options, fakesite.Tokens(5), fakesite.Pace(50*time.Millisecond))...)
			s.Record(false)
			target, err := url.Parse(s.URL())
			if err != nil {
				t.Fatal(err)
			}
			r := newRigTrusting(t, s.CertPool(), func(c *config.Config) {
				c.Channels[0].Target, c.Channels[0].Timeouts.Connect = target, time.Minute
			}, at(t, s.URL()))
			r.server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = tt.streams
			var whole atomic.Int32
			var wg sync.WaitGroup
			for range tt.streams {
				wg.Go(func() {
					resp, err := r.server.Client().Post(r.server.URL+chatPath, "application/json", strings.NewReader(chatStream))
					if err != nil {
						t.Error(err)
						return
					}
					defer func() { _ = resp.Body.Close() }()
					b, err := io.ReadAll(resp.Body)
					if body := string(b); err == nil && resp.StatusCode == http.StatusOK && strings.Contains(body, "token-4") && strings.HasSuffix(body, "data: [DONE]\n\n") {
						whole.Add(1)
					} else {
						t.Errorf("%d %v %.100q", resp.StatusCode, err, body)
					}
				})
			}
			wg.Wait()
			if n := whole.Load(); int(n) != tt.streams || s.Count() != tt.streams {
				t.Errorf("%d of %d are complete, the site got %d requests", n, tt.streams, s.Count())
			}
		})
	}
}

// until answers without a length: the answer ends where the connection is closed, which is also
// how a site or a proxy dies.
func until(contentType string, pieces ...string) script {
	return func(c *siteConn) {
		c.send("HTTP/1.1 200 OK\r\nContent-Type: " + contentType + "\r\nConnection: close\r\n\r\n")
		for _, piece := range pieces {
			c.send(piece)
			c.sleep(20 * time.Millisecond) // so that it arrives in pieces
		}
		c.close()
	}
}

func TestAnAnswerWithoutLengthIsWholeOnlyWithItsEnd(t *testing.T) {
	t.Parallel()
	const (
		stream   = "text/event-stream"
		content  = `data: {"choices":[{"index":0,"delta":{"content":"one "},"finish_reason":null}]}` + "\n\n"
		finish   = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
		done     = "data: [DONE]\n\n"
		message  = `event: content_block_delta` + "\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"one "}}` + "\n\n"
		stopped  = `event: message_stop` + "\n" + `data: {"type":"message_stop"}` + "\n\n"
		document = `{"id":"1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"one two`
	)
	for name, c := range map[string]struct {
		path, contentType string
		pieces            []string
		whole             bool
	}{
		"without an end":                {chatPath, stream, []string{content, content}, false},
		"within an event":               {chatPath, stream, []string{content, content[:40]}, false},
		"with a finish reason":          {chatPath, stream, []string{content, finish}, true},
		"with a finish reason, unended": {chatPath, stream, []string{content, strings.TrimSpace(finish)}, true},
		"with DONE only":                {chatPath, stream, []string{content, done}, true},
		"with all in one piece":         {chatPath, stream, []string{content + finish + done}, true},
		"of messages":                   {"/v1/messages", stream, []string{message, message}, false},
		"of messages with an end":       {"/v1/messages", stream, []string{message, stopped}, true},
		"of an unknown format":          {"/other/path", stream, []string{"data: one\n\n", "data: two\n\n"}, true},
		"a whole document":              {chatPath, "application/json", []string{document, `"}}]}`}, true},
		"a text":                        {"/other/path", "text/plain", []string{"one ", "two"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestSite(t, until(c.contentType, c.pieces...))
			r := newRig(t, nil, s)
			got := r.post(c.path, `{"model":"m","stream":true}`)
			if got.status != 200 || (got.err == nil) != c.whole {
				t.Errorf("%d %q, %v", got.status, got.body, got.err)
			}
			if last := r.last(); (last.Error == "") != c.whole || (last.Attempts[0].Verdict == event.VerdictOK) != c.whole {
				t.Errorf("recorded as %+v", last)
			}
		})
	}
	t.Run("a cut document is retried", func(t *testing.T) {
		t.Parallel()
		first, second := newTestSite(t, until("application/json", document)), newTestSite(t, reply(200, document+`"}}]}`))
		r := newRig(t, nil, first, second)
		if got := r.post(chatPath, `{"model":"m"}`); got.status != 200 || !strings.HasSuffix(got.body, `"}}]}`) {
			t.Errorf("%d %q, %v", got.status, got.body, got.err)
		}
	})
}
