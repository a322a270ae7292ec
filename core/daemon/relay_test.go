package daemon_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

func TestACallerThatGoesEndsTheWorkAtTheSite(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		b    fakesite.Behaviour
		body string
		tell bool // the caller gets headers
	}{
		"before an answer":       {fakesite.HangBeforeHeaders(), ask, false},
		"before the first event": {fakesite.HangAfterEvents(0), askStream, false},
		"in a stream":            {fakesite.HangAfterEvents(2), askStream, true},
		"in an answer":           {fakesite.HangAfterEvents(1), ask, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site(t, "only")
			r := start(t, alone(s, ""))
			s.Always(tt.b)
			ctx, leave := context.WithCancel(t.Context())
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+chat, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			answered := make(chan bool, 1)
			go func() {
				resp, err := client.Do(req)
				answered <- err == nil
				if err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			}()
			if tt.tell && !<-answered {
				t.Fatal("no headers came")
			}
			if _, err := s.WaitRequests(1, 10*time.Second); err != nil {
				t.Fatal(err)
			}
			leave()
			if _, err := s.WaitDisconnected(1, 5*time.Second); err != nil {
				t.Error(err)
			}
			testhelp.Eventually(t, "the request ends", func() bool { return r.active() == 0 })
			if c := r.channel("only"); c.Stats.FailCount != 0 || c.InFlight != 0 || s.Count() != 1 {
				t.Errorf("the channel was blamed: %+v, %d attempts", c, s.Count())
			}
		})
	}
	t.Run("while it waits for a key", func(t *testing.T) {
		t.Parallel()
		s := site(t, "only")
		r := start(t, alone(s, "retry {\n max_delay = \"1m\"\n}\n"))
		s.Always(fakesite.RateLimited(30 * time.Second))
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, r.url+chat, strings.NewReader(ask))
		go func() {
			if resp, err := client.Do(req); err == nil {
				_ = resp.Body.Close()
			}
		}()
		testhelp.Eventually(t, "the key is paused", func() bool { return r.channel("only").Keys.Alive == 0 })
		leave()
		testhelp.Eventually(t, "the request ends", func() bool { return r.active() == 0 })
	})
	t.Run("while it sends", func(t *testing.T) {
		t.Parallel()
		s := site(t, "only")
		r := start(t, alone(s, ""))
		conn, err := net.Dial("tcp", r.ProxyAddr())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
		testhelp.Eventually(t, "the request is under way", func() bool { return r.active() == 1 })
		_ = conn.Close()
		testhelp.Eventually(t, "the request ends", func() bool { return r.active() == 0 })
		if s.Count() != 0 {
			t.Error("half a request was sent on")
		}
	})
}

func (r *running) active() int {
	var status struct{ Active int }
	r.adminGet("/api/status", &status)
	return status.Active
}

// The time that an answer takes is bounded by silence only. Scaled: the limit
// is a tenth of a second where users have minutes.
func TestASlowAnswerPasses(t *testing.T) {
	t.Parallel()
	s := site(t, "only", fakesite.Tokens(30), fakesite.Pace(40*time.Millisecond))
	r := start(t, fmt.Sprintf("channel \"only\" {\n target = %q\n keys = [\"k\"]\n timeouts {\n connect = \"500ms\"\n first_byte = \"2s\"\n stream_idle = \"600ms\"\n }\n}\n", s.URL()))
	begun := time.Now()
	got := r.post(chat, askStream)
	if got.err != nil || !strings.Contains(got.body, "token-29") || !strings.HasSuffix(got.body, "data: [DONE]\n\n") {
		t.Fatalf("%d %v %q", got.status, got.err, got.body)
	}
	if took := time.Since(begun); took < 1200*time.Millisecond {
		t.Errorf("it was not slow: %s", took)
	}
	s.Next(fakesite.Delay(time.Second))
	if got := r.post(chat, ask); got.status != 200 || s.Count() != 2 {
		t.Errorf("an answer after a second: %d, %d attempts", got.status, s.Count())
	}
}

func TestBasePathAndQueryAreKept(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	s.Always(fakesite.Status(200, "{}"))
	r := start(t, fmt.Sprintf("channel \"only\" {\n target = %q\n keys = [\"k\"]\n}\n", s.URL()+"/base/of%20it/"))
	if got := r.post("/v1/chat/completions?a=1&b=%2F&a=2&key=callers-own", ask, "X-Own", "yes", "Forwarded", "for=me", "X-Forwarded-For", "1.2.3.4", "Via", "a", "Proxy-Authorization", "Basic x", "Connection", "X-Hop", "X-Hop", "1"); got.status != 200 {
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
	if q.Header.Get("X-Own") != "yes" || q.Credential != "k" || "http://"+q.Host != s.URL() {
		t.Errorf("%v, host %s", q.Header, q.Host)
	}
}

func TestModelMapRewritesTheModelOnly(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, strings.Replace(two(primary, backup, ""), "weight = 10", "weight = 10\n  model_map = { \"gpt-x\" = \"vendor/gpt-x-long\" }", 1))
	primary.Next(fakesite.Status(502, "{}"))
	const body = `{ "nested":{"model":"gpt-x"},  "model" : "gpt-x","n":1.50, "z":"ü\u00e9"}`
	if got := r.post(chat, body); got.status != 200 {
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

func TestARedirectThatLeavesTheSiteIsAFailure(t *testing.T) {
	t.Parallel()
	s, other := site(t, "only"), site(t, "other")
	r := start(t, alone(s, ""))
	s.Always(fakesite.Redirect(other.URL() + "/v1/x"))
	got := r.post(chat, ask)
	if got.status != 502 || got.header.Get("Location") != "" || other.Count() != 0 {
		t.Errorf("%d %v, the other site saw %d", got.status, got.header, other.Count())
	}
}

func TestARedirectWithinTheSiteLeadsToTheEntry(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, ""))
	for _, location := range []string{s.URL() + "/v1/x?a=b", "/v1/x?a=b"} {
		s.Next(fakesite.Redirect(location))
		got := r.post(chat, ask)
		if to := strings.TrimPrefix(got.header.Get("Location"), r.url); got.status != 307 || to != "/v1/x?a=b" {
			t.Errorf("%s: %d %v", location, got.status, got.header)
		}
	}
}

func TestUpgradesAreRelayed(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, ""))
	conn, err := net.Dial("tcp", r.ProxyAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET /v1/realtime HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer own\r\n\r\nfirst ")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Upgrade") != "websocket" {
		t.Fatalf("%v %v", resp, err)
	}
	_, _ = io.WriteString(conn, "second")
	echo := make([]byte, len("first second"))
	if _, err := io.ReadFull(in, echo); err != nil || string(echo) != "first second" {
		t.Fatalf("%q %v", echo, err)
	}
	_ = conn.Close()
	if _, err := s.WaitDisconnected(1, 5*time.Second); err != nil {
		t.Error(err)
	}
	if got := seen(s); len(got) != 1 || got[0] != p1 {
		t.Errorf("the site saw the credentials %v", got)
	}
	testhelp.Eventually(t, "the request ends", func() bool { return r.active() == 0 })
	if last := r.lastRequest(); last.Status != 101 || last.BytesIn != 12 || last.BytesOut != 12 {
		t.Errorf("%+v", last)
	}
}

// Many streams at once through one channel come whole, over HTTP/1.1 and over
// HTTP/2 with its limit on streams per connection.
func TestManyStreamsComeWhole(t *testing.T) {
	streams := manyStreams()
	for name, options := range map[string][]fakesite.Option{"HTTP/1.1": nil, "HTTP/2": {fakesite.TLS()}} {
		t.Run(name, func(t *testing.T) {
			s := site(t, "only", append(options, fakesite.Tokens(5), fakesite.Pace(50*time.Millisecond))...)
			s.Record(false)
			r := start(t, alone(s, "log {\n level = \"warn\"\n}\n"), s.CertPool())
			var whole atomic.Int32
			var wg sync.WaitGroup
			for range streams {
				wg.Go(func() {
					got := r.post(chat, askStream)
					if got.err == nil && got.status == 200 && strings.Contains(got.body, "token-4") && strings.HasSuffix(got.body, "data: [DONE]\n\n") {
						whole.Add(1)
					} else {
						t.Errorf("%d %v %.100q", got.status, got.err, got.body)
					}
				})
			}
			wg.Wait()
			if n := whole.Load(); int(n) != streams {
				t.Errorf("%d of %d came whole", n, streams)
			}
			if s.Count() != streams {
				t.Errorf("the site saw %d requests", s.Count())
			}
		})
	}
}

// manyStreams returns how many streams run at once.
func manyStreams() int {
	if testhelp.LongForm() {
		return 500
	}
	return 300 // more than a connection of HTTP/2 carries
}
