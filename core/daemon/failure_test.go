package daemon_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestChannelsThatCannotBeReached holds the rows of the verdict table in which
// there is no answer to look at: the other channel is asked at once.
func TestChannelsThatCannotBeReached(t *testing.T) {
	t.Parallel()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := nobody.Addr().String()
	_ = nobody.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	untrusted := site(t, "untrusted", fakesite.TLS())
	plain := site(t, "plain")
	for name, tt := range map[string]struct{ target, why, connect string }{
		"refused":                    {"http://" + refused, "refused", "10s"},
		"a name that does not exist": {"http://no-such-host.invalid", "resolve", "10s"},
		"an untrusted certificate":   {untrusted.URL(), "certificate", "10s"},
		"no TLS where it should be":  {strings.Replace(plain.URL(), "http:", "https:", 1), "does not speak TLS", "10s"},
		"a handshake without end":    {"https://" + silent.Addr().String(), "no TLS handshake within 500ms", "500ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			backup := site(t, "backup")
			r := start(t, fmt.Sprintf(`
channel "primary" {
  target = %q
  weight = 10
  keys   = ["key-primary-1", "key-primary-2"]
  timeouts { connect = %q }
}
channel "backup" {
  target   = %q
  keys     = ["key-backup-1"]
  fallback = true
}
`, tt.target, tt.connect, backup.URL()))
			got := r.post(chat, ask)
			if got.status != 200 || got.header.Get("X-Site") != "backup" {
				t.Fatalf("%+v", got)
			}
			last := r.lastRequest()
			if len(last.Attempts) != 2 || last.Attempts[0].Channel != "primary" || last.Attempts[0].Status != 0 || last.Attempts[1].Channel != "backup" {
				t.Errorf("attempts: %+v", last.Attempts)
			}
			if why := last.Attempts[0].Error; !strings.Contains(why, tt.why) {
				t.Errorf("the attempt failed by %q, which does not say %q", why, tt.why)
			}
			c := r.channel("primary")
			if c.Stats.FailCount != 1 || c.Keys.Alive != 2 {
				t.Errorf("%d failures, %d keys usable", c.Stats.FailCount, c.Keys.Alive)
			}
		})
	}
	t.Cleanup(func() {
		if n := untrusted.Count() + plain.Count(); n != 0 {
			t.Errorf("a key was sent %d times where it should not have been", n)
		}
	})
}

// Who pauses and resumes a channel wants its keys tried.
func TestResumingAChannelTriesItsKeys(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, ""))
	s.Next(fakesite.Unauthorized())
	if got := r.post(chat, ask); got.status != 502 {
		t.Fatalf("%+v", got)
	}
	if got := r.post(chat, ask); got.status != 503 || s.Count() != 1 {
		t.Fatalf("an invalid key was tried at once: %+v", got)
	}
	r.must(http.StatusOK, "POST", "/api/channels/only/toggle", `{"enabled":false}`)
	r.must(http.StatusOK, "POST", "/api/channels/only/toggle", `{"enabled":true}`)
	if got := r.post(chat, ask); got.status != 200 {
		t.Errorf("after a toggle: %+v", got)
	}
}

// A caller that closes its half of the connection is gone: nobody reads the
// answer.
func TestACallerThatHalfClosesIsGone(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, ""))
	s.Always(fakesite.HangBeforeHeaders())
	conn, err := net.Dial("tcp", r.ProxyAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", chat, len(ask), ask)
	if _, err := s.WaitRequests(1, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WaitDisconnected(1, 10*time.Second); err != nil {
		t.Error(err)
	}
	testhelp.Eventually(t, "the request ends", func() bool { return r.active() == 0 })
	if c := r.channel("only"); c.Stats.FailCount != 0 || s.Count() != 1 {
		t.Errorf("the channel was blamed: %+v, %d attempts", c.Stats, s.Count())
	}
}

// A request that is given up leaves the connections of all others in the pool.
func TestGivingUpEmptiesNoPool(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, _ := io.ReadAll(q.Body)
		if strings.Contains(string(b), "fail") {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	r := start(t, fmt.Sprintf("channel \"only\" {\n target = %q\n keys = [\"k\"]\n}\nretry {\n max_retries = 1\n base_delay = \"1ms\"\n}\nbreaker {\n failures = 1000\n ratio = 1\n}\n", s.URL))
	for range 10 {
		if got := r.post(chat, ask); got.status != 200 {
			t.Fatalf("%+v", got)
		}
		if got := r.post(chat, `{"model":"fail"}`); got.status != 502 {
			t.Fatalf("%+v", got)
		}
	}
	if n := opened.Load(); n > 2 {
		t.Errorf("one request after the other took %d connections", n)
	}
}

// The key of a channel goes to no other origin, whatever a site answers.
func TestNoKeyFollowsAnAnswerElsewhere(t *testing.T) {
	t.Parallel()
	s, other := site(t, "only"), site(t, "other")
	r := start(t, alone(s, "retry {\n base_delay = \"1ms\"\n}\nbreaker {\n failures = 1000\n ratio = 1\n}\n"))
	for _, header := range [][2]string{{"Location", other.URL() + "/x"}, {"Refresh", "0; url=" + other.URL()}, {"Alt-Svc", `h2="` + strings.TrimPrefix(other.URL(), "http://") + `"`}, {"Content-Location", other.URL()}} {
		for _, status := range []int{200, 201, 301, 302, 303, 307, 308} {
			s.Always(fakesite.Status(status, `{"ok":1}`, header[0], header[1]))
			want := status
			if header[0] == "Location" && status >= 300 {
				want = http.StatusBadGateway // the answer has left the site, and is none
			}
			if got := r.post(chat, ask); got.status != want {
				t.Errorf("%d with %s: %+v", status, header[0], got)
			}
		}
	}
	if n := other.Count(); n != 0 {
		t.Errorf("the other site saw %d requests: %v", n, seen(other))
	}
}

// A WebSocket goes through whole: its key is answered, and frames of both
// sides pass in both directions.
func TestWebSocketsAreRelayed(t *testing.T) {
	t.Parallel()
	var got http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		got = q.Header.Clone()
		conn, in, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05hello")
		frame := make([]byte, 11)
		if _, err := io.ReadFull(in, frame); err == nil {
			_, _ = conn.Write(append([]byte{0x82, byte(len(frame))}, frame...))
		}
	}))
	defer s.Close()
	r := start(t, fmt.Sprintf("channel \"only\" {\n target = %q\n keys = [\"k\"]\n}\n", s.URL))
	conn, err := net.Dial("tcp", r.ProxyAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET /v1/realtime?model=gpt-x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: realtime\r\nAuthorization: Bearer own\r\n\r\n")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("%+v %v", resp, err)
	}
	first := make([]byte, 7)
	if _, err := io.ReadFull(in, first); err != nil || string(first) != "\x81\x05hello" {
		t.Fatalf("%q %v", first, err)
	}
	_, _ = io.WriteString(conn, "\x81\x85\x01\x02\x03\x04ifmhn")
	back := make([]byte, 13)
	if _, err := io.ReadFull(in, back); err != nil || string(back) != "\x82\x0b\x81\x85\x01\x02\x03\x04ifmhn" {
		t.Errorf("%q %v", back, err)
	}
	if got.Get("Authorization") != "Bearer k" || got.Get("Sec-WebSocket-Key") == "" || got.Get("Sec-WebSocket-Protocol") != "realtime" {
		t.Errorf("the site got %v", got)
	}
}
