package proxy

import (
	"bytes"
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/core/upstream"
)

// rawSite answers each request on a connection with the same bytes, and allocates
// nothing for it. A closing brace ends a request.
func rawSite(tb testing.TB, answer []byte) *url.URL {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				in := make([]byte, 64<<10)
				for {
					n, err := c.Read(in)
					if err != nil {
						return
					}
					if bytes.HasSuffix(in[:n], []byte("}")) {
						_, _ = c.Write(answer)
					}
				}
			}()
		}
	}()
	return &url.URL{Scheme: "http", Host: l.Addr().String()}
}

// overTCP returns a handler with a site that is reached over a connection.
func overTCP(tb testing.TB) *Handler {
	tb.Helper()
	return answeredOverTCP(tb, "application/json", `{"id":"x","choices":[{"message":{"content":"hello"}}],"usage":{"prompt_tokens":12,"completion_tokens":34}}`)
}

// answeredOverTCP is overTCP with another answer.
func answeredOverTCP(tb testing.TB, contentType, body string) *Handler {
	tb.Helper()
	h := inProcess(tb)
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: "+contentType+"\r\nContent-Length: %d\r\nDate: Thu, 26 Nov 2026 12:00:00 GMT\r\nServer: site\r\n\r\n%s", len(body), body)
	target := rawSite(tb, answer)
	pool := upstream.NewPool(upstream.Options{Target: target, Connect: 5 * time.Second})
	tb.Cleanup(pool.Close)
	s := h.current.Load()
	for ch, to := range s.sites {
		*ch.Config.Target = *target
		to.egresses = []egress{{transport: pool}}
	}
	return h
}

// maxAllocations is the most that a request may allocate in the whole handler, including
// writing it to a site and reading the answer.
const maxAllocations = 50

func TestAllocations(t *testing.T) {
	h, body := overTCP(t), bodyOf(2000)
	n := testing.AllocsPerRun(500, func() {
		if !ask(t.Context(), h, body) {
			t.Fatal("no answer")
		}
	})
	most := float64(maxAllocations)
	if testhelp.Race {
		most += 5 // pools drop some of what is put back
	}
	if t.Logf("%.0f allocations", n); n > most {
		t.Errorf("%.0f allocations for a request, at most %.0f are allowed", n, most)
	}
}

// BenchmarkRelay is a request through the whole handler and over a connection.
func BenchmarkRelay(b *testing.B) {
	h, body := overTCP(b), bodyOf(2000)
	b.ReportAllocs()
	for b.Loop() {
		if !ask(b.Context(), h, body) {
			b.Fatal("no answer")
		}
	}
}
