package daemon_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/fakesite"
)

// raw sends bytes over a connection of its own and reads one answer.
func (r *running) raw(request string) (status int, body string) {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.ProxyAddr())
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, request); err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		r.t.Fatalf("%q: %v", request, err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

func TestRequestsThatAreNotForASiteAreRefused(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, ""))
	for name, tt := range map[string]struct {
		request string
		status  int
		says    string
	}{
		"CONNECT":         {"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", 405, "not allowed"},
		"TRACE":           {"TRACE /v1/chat/completions HTTP/1.1\r\nHost: a\r\n\r\n", 405, "not allowed"},
		"absolute form":   {"GET http://example.com/v1/models HTTP/1.1\r\nHost: example.com\r\n\r\n", 400, "not a forward proxy"},
		"PRI":             {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, ""},
		"dots":            {"GET /v1/../admin HTTP/1.1\r\nHost: a\r\n\r\n", 400, "'..'"},
		"encoded dots":    {"GET /v1/%2e%2E/admin HTTP/1.1\r\nHost: a\r\n\r\n", 400, "'..'"},
		"encoded slash":   {"GET /v1/..%2fadmin HTTP/1.1\r\nHost: a\r\n\r\n", 400, "encoded slashes"},
		"backslash":       {"GET /v1/..\\admin HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
		"a page":          {"POST /v1/x HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\n\r\n", 403, "proxy.origins"},
		"a page's image":  {"GET /v1/x HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\n\r\n", 403, "proxy.origins"},
		"a bad chunk":     {"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400, "badly encoded"},
		"headers without": {"GET /v1/x HTTP/1.1\r\n\r\n", 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := r.raw(tt.request)
			if status != tt.status || !strings.Contains(body, tt.says) {
				t.Errorf("%d %s, want %d and %q", status, body, tt.status, tt.says)
			}
		})
	}
	if n := s.Count(); n != 0 {
		t.Errorf("the site saw %d requests: %+v", n, s.Requests())
	}
	if c := r.channel("only"); c.Stats.FailCount != 0 {
		t.Errorf("the channel was blamed: %+v", c.Stats)
	}
}

func TestListedOriginsAndTokens(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, `
proxy {
  listen        = "127.0.0.1:0"
  origins       = ["https://app.example"]
  client_tokens = ["token-of-a-client", "another-token"]
}`))
	for name, tt := range map[string]struct {
		headers []string
		status  int
	}{
		"no token":      {nil, 401},
		"wrong token":   {[]string{"Authorization", "Bearer token-of-a-clienT"}, 401},
		"bearer":        {[]string{"Authorization", "Bearer token-of-a-client"}, 200},
		"the other":     {[]string{"X-Api-Key", "another-token"}, 200},
		"google style":  {[]string{"X-Goog-Api-Key", "another-token"}, 200},
		"listed page":   {[]string{"X-Api-Key", "another-token", "Origin", "https://app.example"}, 200},
		"another page":  {[]string{"X-Api-Key", "another-token", "Origin", "https://app.example.evil"}, 403},
		"page no token": {[]string{"Origin", "https://app.example"}, 401},
	} {
		if got := r.post(chat, ask, tt.headers...); got.status != tt.status {
			t.Errorf("%s: %d %s, want %d", name, got.status, got.body, tt.status)
		} else if strings.Contains(fmt.Sprint(tt.headers), "app.example]") && got.header.Get("Access-Control-Allow-Origin") != "https://app.example" {
			t.Errorf("%s: the page may not read the answer: %v", name, got.header)
		}
	}
	for _, q := range s.Requests() {
		if q.Credential != p1 {
			t.Errorf("the site saw the credential %q", q.Credential)
		}
	}
	preflight, err := http.NewRequest(http.MethodOptions, r.url+chat, nil)
	if err != nil {
		t.Fatal(err)
	}
	preflight.Header.Set("Origin", "https://app.example")
	preflight.Header.Set("Access-Control-Request-Method", "POST")
	preflight.Header.Set("Access-Control-Request-Headers", "authorization")
	if got := r.do(preflight); got.status != 204 || got.header.Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("preflight: %d %v", got.status, got.header)
	}
}

func TestBodiesOverTheLimits(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, `
proxy {
  listen       = "127.0.0.1:0"
  max_body     = "1MiB"
  replay_limit = "64KiB"
  buffer_limit = "128KiB"
}
retry {
  max_retries = 0
}`))
	big := strings.Repeat("x", 1<<20+1)
	if got := r.post(chat, big); got.status != 413 || !strings.Contains(got.body, "proxy.max_body") {
		t.Errorf("declared too large: %d %s", got.status, got.body)
	}
	req, _ := http.NewRequest(http.MethodPost, r.url+chat, io.MultiReader(strings.NewReader(big))) // its length is not known
	if got := r.do(req); got.status != 413 {
		t.Errorf("too large as it came: %d %s", got.status, got.body)
	}
	if c := r.channel("only"); c.Stats.FailCount != 0 {
		t.Errorf("the channel was blamed: %+v", c.Stats)
	}
	s.Always(fakesite.HangBeforeHeaders())
	held := make(chan answer, 1)
	go func() { held <- r.post(chat, strings.Repeat("x", 64<<10)) }()
	if _, err := s.WaitRequests(1, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	// Large bodies leave room for others, so the second does not fit.
	if got := r.post(chat, strings.Repeat("x", 64<<10)); got.status != 503 || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "proxy.buffer_limit") {
		t.Errorf("over the budget of buffers: %d %s", got.status, got.body)
	}
	s.ResetScript()
	s.Close()
	<-held
}

// A large body goes through while only its replay part is in memory.
func TestALargeBodyIsStreamed(t *testing.T) {
	const size, replay = 24 << 20, 1 << 20
	live := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var before, grown int64
	got, want := sha256.New(), sha256.New()
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.CopyN(got, q.Body, size*3/4)
		grown = live() - before
		_, _ = io.Copy(got, q.Body)
		_, _ = io.WriteString(w, "{}")
	}))
	defer sink.Close()
	r := start(t, fmt.Sprintf("channel \"only\" {\n target = %q\n keys = [\"key\"]\n}\nproxy {\n listen = \"127.0.0.1:0\"\n replay_limit = \"1MiB\"\n}\n", sink.URL))
	before = live()
	resp, err := client.Post(r.url+chat, "application/json", io.TeeReader(io.LimitReader(&pattern{}, size), want))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		t.Errorf("%s: what the site got is not what was sent", resp.Status)
	}
	if grown > 4*replay {
		t.Errorf("with %d MiB sent, %d KiB more are in memory", size*3/4>>20, grown>>10)
	}
}

// pattern is bytes without end that do not repeat at any block's length.
type pattern struct{ n uint32 }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		p.n = p.n*1664525 + 1013904223
		b[i] = byte(p.n >> 24)
	}
	return len(b), nil
}

func TestABodyThatTricklesIsRefused(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, ""))
	conn, err := net.Dial("tcp", r.ProxyAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
				_, _ = io.WriteString(conn, "slowly ")
			}
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestTimeout || s.Count() != 0 {
		t.Errorf("%s, the site saw %d", resp.Status, s.Count())
	}
}
