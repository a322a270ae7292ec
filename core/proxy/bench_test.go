//go:build unix

package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aitunnel/aitunnel/core/upstream"
)

// cpu returns the time that this process has used so far.
func cpu() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// load sends requests over raw connections, and reports the CPU time of each. It includes
// the caller's and the site's side, which are the same for all handlers.
func load(b *testing.B, h http.Handler) {
	b.Helper()
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	body := bodyOf(2000)
	request := fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nUser-Agent: bench\r\nAccept: application/json\r\nContent-Type: application/json\r\nAuthorization: Bearer sk-bench\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	b.ReportAllocs()
	b.SetParallelism(16)
	begun := cpu()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			b.Error(err)
			return
		}
		defer func() { _ = c.Close() }()
		in := bufio.NewReader(c)
		for pb.Next() {
			if _, err := c.Write(request); err != nil {
				b.Error(err)
				return
			}
			if err := skipAnswer(in); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(cpu()-begun)/float64(b.N)/1000, "cpu-µs/op")
}

// skipAnswer reads an answer and allocates nothing.
func skipAnswer(in *bufio.Reader) error {
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if name, value, ok := bytes.Cut(line, []byte(": ")); ok && string(name) == "Content-Length" {
			length = 0
			for _, d := range bytes.TrimSpace(value) {
				length = 10*length + int(d-'0')
			}
		}
		if len(line) == 2 {
			_, err := in.Discard(length)
			return err
		}
	}
}

// BenchmarkEntry is a request from a caller's connection to a site's and back.
func BenchmarkEntry(b *testing.B) { load(b, overTCP(b)) }

// BenchmarkBareRelay is the same by the relay that bench compares with.
func BenchmarkBareRelay(b *testing.B) {
	h := overTCP(b)
	var target string
	for ch := range h.current.Load().sites {
		target = ch.Config.Target.String()
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 8192, DisableCompression: true}
	load(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		out, err := http.NewRequestWithContext(r.Context(), r.Method, target+r.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			return
		}
		for name, values := range r.Header {
			out.Header[name] = values
		}
		resp, err := transport.RoundTrip(out)
		if err != nil {
			b.Error(err)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(struct{ io.Writer }{w}, resp.Body)
	}))
}

// BenchmarkEntryNetHTTP is BenchmarkEntry over the transport of net/http, to see
// what core/upstream saves.
func BenchmarkEntryNetHTTP(b *testing.B) {
	h := overTCP(b)
	s := h.current.Load()
	for _, to := range s.sites {
		to.egresses = []egress{{transport: netHTTP{&http.Transport{MaxIdleConnsPerHost: 8192, DisableCompression: true}}}}
	}
	load(b, h)
}

type netHTTP struct{ *http.Transport }

func (t netHTTP) Do(r *http.Request, _ upstream.Call) (*http.Response, error) { return t.RoundTrip(r) }
