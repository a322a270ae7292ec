//go:build linux

package tunnel

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// heap returns the size of the live heap.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// resident returns the resident memory of this process.
func resident(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	var pages, out int
	if _, err := fmt.Sscan(string(readFile(t, "/proc/self/statm")), &pages, &out); err != nil {
		t.Fatal(err)
	}
	return out * os.Getpagesize()
}

// TestMemoryIsBounded has callers that do not read their answers, uploads that the site
// does not read, and large bodies in both directions. A tunnel uses the memory of the
// windows of its uploads, and at most 16 MiB more. The library has windows of 2 MiB, which
// cannot be changed, and stores each packet of 32 KiB in 40 KiB of memory, so a window
// takes 2.5 MiB. Afterwards all of it is released.
func TestMemoryIsBounded(t *testing.T) {
	const window, slack = 2 << 20, 16 << 20
	readers, uploads, echoes, size := 20, 10, 2, 4<<20
	if testhelp.Soak() {
		readers, uploads, echoes, size = 200, 100, 8, 20<<20
	}
	s := sshdtest.Start(t, sshdtest.Options{})
	r := prepare(t, s, patientServer)
	r.config = tunnelTo(t, s)
	r.Apply([]*config.Tunnel{r.config})
	r.await(Up)
	r.mustAnswer()
	const siteBuffer = 32 << 10 // of the test's site, for an answer that is not read
	counted := uploads*window*5/4 + readers*siteBuffer
	held := counted + slack
	body := make([]byte, max(4*window, size))
	before, residentBefore := heap(), resident(t)
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
		go func() { _, _ = c.Write(body[:4*window]) }() // until it is closed
	}
	var last Status
	testhelp.Within(t, 2*time.Minute, "all requests have arrived and are stalled", func() bool {
		before := last
		last = r.status()
		return r.site.waiting() == uploads && last.Active >= int64(readers+uploads) && last.In == before.In && last.Out == before.Out
	})
	testhelp.Eventually(t, "the memory is within the bounds", func() bool { return heap()-before < held })
	var transfers sync.WaitGroup
	for range echoes {
		transfers.Go(func() {
			resp, err := r.client.Post("http://"+r.config.Forwards[0].Address+"/echo", "", bytes.NewReader(body[:size]))
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = resp.Body.Close() }()
			if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != int64(size) {
				t.Errorf("%d of %d bytes came back: %v", n, size, err)
			}
		})
	}
	transfers.Wait()
	testhelp.Eventually(t, "the memory is within the bounds again", func() bool { return heap()-before < held })
	t.Logf("before: resident %d MiB; %d stalled readers, %d stalled uploads and %d bodies of %d MiB both ways: %d MiB more of heap, %d KiB beyond the windows, resident %d MiB", residentBefore>>20, readers, uploads, echoes, size>>20, (heap()-before)>>20, (heap()-before-counted)>>10, resident(t)>>20)
	if r.mustAnswer(); r.status().Connects != 1 {
		t.Error("the connection broke")
	}
	close(r.site.release)
	for _, c := range callers {
		_ = c.Close()
	}
	r.client.CloseIdleConnections()
	testhelp.Eventually(t, "the memory is released", func() bool { return r.status().Active == 0 && heap()-before < slack })
	t.Logf("after it: %d KiB more of heap, resident %d MiB", (heap()-before)>>10, resident(t)>>20)
	runtime.KeepAlive(body)
}

// waiting returns how many requests stall.
func (s *site) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stalled
}
