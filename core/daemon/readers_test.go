package daemon_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// p99 sends requests at a steady pace and returns how long the slowest of a
// hundred took.
func (r *running) p99(n int) time.Duration {
	r.t.Helper()
	took := make([]time.Duration, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			begun := time.Now()
			if a := r.post(chat, `{"model":"m"}`); a.status != http.StatusOK || a.err != nil {
				r.t.Errorf("%d %v", a.status, a.err)
			}
			took[i] = time.Since(begun)
		})
		time.Sleep(5 * time.Millisecond)
	}
	wg.Wait()
	slices.Sort(took)
	return took[n*99/100]
}

// TestAThousandReadersDoNotSlowTheProxy measures in turns, without readers of
// the event stream and with a thousand, half of whom stop reading.
func TestAThousandReadersDoNotSlowTheProxy(t *testing.T) {
	comparesSpeed(t)
	const readers, requests, rounds = 1000, 150, 3
	home := site(t, "home")
	r := start(t, fmt.Sprintf("channel \"home\" {\n target = %q\n keys = [\"key-home-1\"]\n}\nlog {\n level = \"error\"\n}\n", home.URL()))
	r.p99(50) // connections, caches
	// Other work of the machine affects both, and may spoil a try.
	for try := 1; ; try++ {
		var without, with []time.Duration
		for range rounds {
			without = append(without, r.p99(requests))
			crowd := r.crowd(readers)
			with = append(with, r.p99(requests))
			crowd.wantEvents()
			crowd.leave()
		}
		slices.Sort(without)
		slices.Sort(with)
		t.Logf("p99 without readers %v, with %d %v", without, readers, with)
		before, after := without[rounds/2], with[rounds/2]
		if after <= 3*before+10*time.Millisecond {
			return
		}
		if try == 3 {
			t.Fatalf("the slowest of a hundred took %v, and %v with %d readers", before, after, readers)
		}
	}
}

// crowd is a number of connections to the event stream, half of which are read.
type crowd struct {
	t     testing.TB
	conns []net.Conn
	wg    sync.WaitGroup
	bytes []atomic.Int64 // that were read
}

func (r *running) crowd(n int) *crowd {
	r.t.Helper()
	c := &crowd{t: r.t, bytes: make([]atomic.Int64, n)}
	for i := range n {
		conn, err := net.Dial("tcp", r.AdminAddr())
		if err != nil {
			r.t.Fatal(err)
		}
		c.conns = append(c.conns, conn)
		_, _ = fmt.Fprintf(conn, "GET /api/logs HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", r.AdminAddr(), r.adminToken())
		head := make([]byte, 15)
		if _, err := io.ReadFull(conn, head); err != nil || !strings.HasPrefix(string(head), "HTTP/1.1 200") {
			r.t.Fatalf("reader %d: %q %v", i, head, err)
		}
		if i%2 == 1 {
			continue // is never read
		}
		c.wg.Go(func() {
			buffer := make([]byte, 64<<10)
			for {
				n, err := conn.Read(buffer)
				if c.bytes[i].Add(int64(n)); err != nil {
					return
				}
			}
		})
	}
	return c
}

// wantEvents fails if a connection that is read got no request events.
func (c *crowd) wantEvents() {
	c.t.Helper()
	for i := range c.bytes {
		if i%2 == 0 {
			testhelp.Eventually(c.t, fmt.Sprintf("reader %d gets events", i), func() bool { return c.bytes[i].Load() > 50_000 })
		}
	}
}

func (c *crowd) leave() {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.wg.Wait()
}
