package admin

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// dial requests the event stream on a new connection, and returns the status.
func (s *site) dial() (net.Conn, *bufio.Reader, string) {
	s.t.Helper()
	host := strings.TrimPrefix(s.url, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		s.t.Fatal(err)
	}
	_, _ = fmt.Fprintf(c, "GET /api/logs HTTP/1.1\r\nHost: %s\r\n\r\n", host)
	in := bufio.NewReaderSize(c, 1<<10)
	line, err := in.ReadString('\n')
	if err != nil {
		s.t.Errorf("%v", err)
	}
	return c, in, line
}

// TestTooManyReaders: many connect at once; as many as allowed are served, the others get a 503 with
// Retry-After, memory stays bounded, and everything else keeps working. In the long form there are
// ten thousand.
func TestTooManyReaders(t *testing.T) {
	if have, need := descriptors(), uint64(2*maxReaders+200); have < need {
		t.Skipf("this process may have %d descriptors, and %d are needed: raise ulimit -n", have, need)
	}
	come := maxReaders + 200
	if testhelp.Soak() {
		come = 10_000
	}
	s := serve(t, config.Admin{}, 1000)
	s.publish("before the readers")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var mu sync.Mutex
	var served []net.Conn
	refused := 0
	todo := make(chan int)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for range todo {
				c, _, status := s.dial()
				mu.Lock()
				switch {
				case strings.Contains(status, " 200 "):
					served = append(served, c)
				case strings.Contains(status, " 503 "):
					refused++
					_ = c.Close()
				default:
					t.Errorf("%q", status)
				}
				mu.Unlock()
			}
		})
	}
	for i := range come {
		todo <- i
		if i%1000 == 0 {
			s.publish("while the readers connect")
		}
	}
	close(todo)
	wg.Wait()
	if len(served) != maxReaders || refused != come-maxReaders {
		t.Errorf("%d are served, %d refused", len(served), refused)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := (int64(after.Sys) - int64(before.Sys)) >> 20; grown > 400 {
		t.Errorf("the readers took %d MiB", grown)
	}
	resp, body := s.do("GET", "/api/logs")
	s.wantError(resp, body, http.StatusServiceUnavailable, "too_many_readers")
	if resp, body := s.do("GET", "/api/status"); resp.StatusCode != http.StatusOK {
		t.Errorf("the rest of the API: %d %s", resp.StatusCode, body)
	}
	for _, c := range served {
		_ = c.Close()
	}
	testhelp.Eventually(t, "no reader is served", func() bool { return s.api.readers.n.Load() == 0 })
	r := s.follow("")
	r.want("1 log before the readers")
}

func TestEventsAreFilteredBeforeTheirNumberIsLimited(t *testing.T) {
	s := serve(t, config.Admin{}, 1000)
	publish := func(n int) {
		for i := range n {
			s.bus.Publish(event.Event{Type: event.TypeLog, Channel: []string{"home", "spare"}[i%2], Message: fmt.Sprint(i)})
			s.bus.Publish(event.Event{Type: event.TypeHealth, Channel: []string{"home", "spare"}[i%2], Message: fmt.Sprint(i)})
		}
	}
	publish(100)
	all := s.follow("?types=health,key&channel=spare")
	for i := 41; i < 100; i += 2 { // the last thirty that pass
		all.want(fmt.Sprintf("%d health %d", 2*i+2, i))
	}
	publish(2)
	all.want("204 health 1")
	since := s.follow("?since=190&channel=home&types=log")
	since.want("193 log 96", "197 log 98", "201 log 0")
	_, body := s.do("GET", "/api/logs/recent?n=2&types=health&channel=home")
	if got := string(body); strings.Count(got, `"id"`) != 2 || !strings.Contains(got, `"id":198`) || !strings.Contains(got, `"id":202`) {
		t.Errorf("%s", got)
	}
	for _, path := range []string{"/api/logs?types=none", "/api/logs/recent?types=request,,x"} {
		resp, body := s.do("GET", path)
		s.wantError(resp, body, http.StatusBadRequest, "bad_parameter")
	}
}

// TestAReaderThatReconnectsMissesNothing: it disconnects again and again while events are published.
func TestAReaderThatReconnectsMissesNothing(t *testing.T) {
	s := serve(t, config.Admin{}, 1000)
	s.publish("begin")
	const events = 900
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range events {
			s.publish(fmt.Sprint("number ", i))
			time.Sleep(100 * time.Microsecond)
		}
	})
	seen := uint64(1)
	for connections := 0; seen < events+1; connections++ {
		if connections > events {
			t.Fatal("no progress")
		}
		r := s.follow("", "Last-Event-ID", fmt.Sprint(seen))
		for range 1 + connections%40 {
			e, ok := r.next()
			if !ok || e.ID != seen+1 {
				t.Fatalf("event %d (%s) after %d", e.ID, e.Message, seen)
			}
			if seen = e.ID; seen == events+1 {
				break
			}
		}
		_ = r.body.Close()
	}
	wg.Wait()
}
