//go:build linux

package tunnel

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// heap is what the program holds.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestMemoryIsBounded beside callers that do not read their answers, and uploads
// that nobody takes: a tunnel holds what the windows of its uploads allow, and at
// most 16 MiB more. Afterwards it is given back.
func TestMemoryIsBounded(t *testing.T) {
	const readers, uploads, window, slack = 20, 10, 2 << 20, 16 << 20
	s := sshdtest.Start(t, sshdtest.Options{})
	r := open(t, s, tunnelTo(t, s))
	r.await(Up)
	r.mustAnswer()
	body := make([]byte, 4*window)
	before := heap()
	var callers []net.Conn
	ask := func(request string) net.Conn {
		c, err := net.Dial("tcp", r.config.Forwards[0].Address)
		if err != nil {
			t.Fatal(err)
		}
		callers = append(callers, c)
		_, _ = io.WriteString(c, request)
		return c
	}
	for range readers {
		ask("GET /bulk HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	for range uploads {
		c := ask(fmt.Sprintf("POST /stall HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", 4*window))
		go func() { _, _ = c.Write(body) }() // until it is closed
	}
	var last Status
	testhelp.Within(t, time.Minute, "all are there, and nothing moves any more", func() bool {
		before := last
		last = r.status()
		return r.site.waiting() == uploads && last.Active >= readers+uploads && last.In == before.In && last.Out == before.Out
	})
	testhelp.Eventually(t, "the memory is within the bounds", func() bool { return heap()-before < uploads*window+slack })
	t.Logf("%d KiB more are held", (heap()-before)>>10)
	if r.mustAnswer(); r.status().Connects != 1 {
		t.Error("the connection broke")
	}
	close(r.site.release)
	for _, c := range callers {
		_ = c.Close()
	}
	r.client.CloseIdleConnections()
	testhelp.Eventually(t, "the memory is given back", func() bool { return r.status().Active == 0 && heap()-before < slack })
	runtime.KeepAlive(body)
}

// waiting is how many requests stall.
func (s *site) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stalled
}
