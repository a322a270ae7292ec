package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// created returns a preamble of this many bytes: it repeats the instructions.
func created(size int) string {
	return fmt.Sprintf("event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\",\"instructions\":%q}}\n\n", strings.Repeat("x", size))
}

const failedResponse = "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"id\":\"resp_1\",\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"try again\"}}}\n\n"

// A held preamble counts toward proxy.buffer_limit. At the limit the answer is
// passed on with what is held; there is no failover.
func TestAHeldPreambleCountsTowardTheBufferLimit(t *testing.T) {
	for _, test := range []struct {
		limit int64
		first bool // the first site's answer is passed on
	}{{256 << 20, false}, {64 << 10, true}} {
		first, second := newTestSite(t, streamOf(created(300<<10), failedResponse)), newTestSite(t, goodResponses)
		r := newRig(t, func(c *config.Config) { c.Proxy.BufferLimit = test.limit }, first, second)
		got := r.post("/v1/responses", responsesBody)
		if got.status != 200 || strings.Contains(got.body, "response.failed") != test.first || strings.Contains(got.body, "hello") == test.first {
			t.Errorf("with %d bytes: %d %.80q… (%d bytes)", test.limit, got.status, got.body, len(got.body))
		}
		if used := r.handler.current.Load().memory.used.Load(); used != 0 {
			t.Errorf("with %d bytes: %d are still charged", test.limit, used)
		}
	}
}

// After the first content, a stream releases the memory that held its preamble.
func TestAStreamReleasesItsPreamble(t *testing.T) {
	proceed := make(chan struct{})
	site := newTestSite(t, func(c *siteConn) {
		c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
		c.chunk(created(300 << 10))
		c.chunk("event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"hello\"}\n\n")
		<-proceed
		c.chunk("event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\"}}\n\n")
		c.send("0\r\n\r\n")
	})
	r := newRig(t, nil, site)
	memory := r.handler.current.Load().memory
	resp, err := http.Post(r.server.URL+"/v1/responses", "application/json", strings.NewReader(responsesBody))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body := bufio.NewReader(resp.Body)
	until := func(text string) {
		t.Helper()
		for {
			line, err := body.ReadString('\n')
			if err != nil {
				t.Fatalf("no %q: %v", text, err)
			}
			if strings.Contains(line, text) {
				return
			}
		}
	}
	until("hello")
	testhelp.Eventually(t, "hardly anything is held", func() bool { return memory.used.Load() < 64<<10 })
	close(proceed)
	until("response.completed")
}

// The time to the first content is recorded separately from that to the first byte.
func TestTimeToTheFirstContent(t *testing.T) {
	proceed := make(chan struct{})
	site := newTestSite(t, func(c *siteConn) {
		c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
		c.chunk(created(300 << 10))
		<-proceed
		c.chunk("event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"hello\"}\n\n")
		c.send("0\r\n\r\n")
	})
	r := newRig(t, func(c *config.Config) { c.Proxy.BufferLimit = 64 << 10 }, site)
	resp, err := http.Post(r.server.URL+"/v1/responses", "application/json", strings.NewReader(responsesBody))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := resp.Body.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	close(proceed)
	_, _ = io.Copy(io.Discard, resp.Body)
	if got := r.record(0); got.TTFB <= 0 || got.Content <= got.TTFB || got.Total < got.Content {
		t.Errorf("first byte %v, first content %v, total %v", got.TTFB, got.Content, got.Total)
	}
}
