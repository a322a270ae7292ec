package proxy

import (
	"bufio"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

const overloadedEvent = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n"

// TestGoodStatusWithoutContent: answers that begin well but contain only an error or nothing.
func TestGoodStatusWithoutContent(t *testing.T) {
	start := "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[]}}\n\n"
	ping := "event: ping\ndata: {\"type\":\"ping\"}\n\n"
	for _, tt := range []struct {
		name, path, body string
		bad, good        script
	}{
		{"ping, error", "/v1/messages", messagesBody, streamOf(ping, overloadedEvent), goodMessages},
		{"start, ping, error", "/v1/messages", messagesBody, streamOf(start, ping, overloadedEvent), goodMessages},
		{"role, error", chatPath, chatStream, streamOf(goodEvents[0], "data: {\"error\":{\"message\":\"upstream error\",\"type\":\"server_error\"}}\n\n"), goodStream},
		{"created, failed", "/v1/responses", responsesBody, streamOf("data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n", "data: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"status\":\"failed\",\"error\":{\"code\":\"server_is_overloaded\",\"message\":\"busy\"}}}\n\n"), goodResponses},
		{"failed", "/v1/responses", responsesBody, streamOf("data: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"status\":\"failed\",\"error\":{\"code\":\"server_is_overloaded\",\"message\":\"busy\"}}}\n\n"), goodResponses},
		{"flat error", "/v1/responses", responsesBody, streamOf("data: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"slow down\"}\n\n"), goodResponses},
		{"only DONE", chatPath, chatStream, streamOf("data: [DONE]\n\n"), goodStream},
		{"only comments", chatPath, chatStream, streamOf(": a\n\n", ": b\n\n"), goodStream},
		{"only pings", "/v1/messages", messagesBody, streamOf(ping, ping), goodMessages},
		{"nothing", chatPath, chatStream, streamOf(), goodStream},
		{"an error", chatPath, chatBody, reply(200, `{"error":{"message":"no channel","type":"new_api_error","code":"get_channel_failed"}}`), good},
		{"a page", chatPath, chatBody, reply(200, "<html><body>Welcome</body></html>", "Content-Type: text/html"), good},
		{"blanks", chatPath, chatBody, reply(200, "\n\n  \n"), good},
		{"Gemini's array", "/v1beta/models/g:streamGenerateContent", `{"contents":[]}`, reply(200, `[{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}]`), reply(200, `[{"candidates":[{"content":{"parts":[{"text":"hello"}]},"finishReason":"STOP"}]}]`)},
		{"an error in a stream that is compressed", chatPath, chatStream, reply(200, zipped(goodEvents[0]+"data: {\"error\":{\"message\":\"x\",\"type\":\"server_error\"}}\n\n"), "Content-Type: text/event-stream", "Content-Encoding: gzip"), goodStream},
		{"a break in the preamble", chatPath, chatStream, chunked("text/event-stream", false, goodEvents[0]), goodStream},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := newTestSite(t, tt.bad), newTestSite(t, tt.good)
			r := newRig(t, nil, a, b)
			g := r.post(tt.path, tt.body)
			if g.status != 200 || g.err != nil || !strings.Contains(g.body, "hello") {
				t.Errorf("%d %q %v", g.status, g.body, g.err)
			}
			if n := strings.Count(g.body, "message_start") + strings.Count(g.body, "response.created"); n > 2 {
				t.Errorf("both preambles were passed on: %q", g.body)
			}
			if len(b.requests()) != 1 {
				t.Errorf("b got %d requests, a %d", len(b.requests()), len(a.requests()))
			}
			if rec := r.last(); len(rec.Attempts) == 0 || rec.Attempts[0].Means == "good" || rec.Attempts[0].Means == "" {
				t.Errorf("a's answer counted as %+v", rec.Attempts)
			}
		})
	}
}

// An empty error field beside content is not an error.
func TestEmptyErrorFieldsAreIgnored(t *testing.T) {
	for _, empty := range []string{"{}", `""`, "false", "null"} {
		a := newTestSite(t, streamOf(`data: {"choices":[{"index":0,"delta":{"content":"hello"}}],"error":`+empty+"}\n\n", "data: [DONE]\n\n"))
		r := newRig(t, nil, a)
		if g := r.post(chatPath, chatStream); g.status != 200 || len(a.requests()) != 1 {
			t.Errorf("%s: %d after %d attempts", empty, g.status, len(a.requests()))
		}
	}
}

// [DONE] ends an answer, whatever the site does with its connection.
func TestDoneEndsAnAnswer(t *testing.T) {
	for name, end := range map[string]func(*siteConn){
		"closes without the last chunk": (*siteConn).close,
		"leaves the connection open":    func(c *siteConn) { c.sleep(time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newTestSite(t, func(c *siteConn) {
				c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
				for _, e := range goodEvents {
					c.chunk(e)
				}
				end(c)
			})
			r := newRig(t, nil, a)
			g := r.post(chatPath, chatStream)
			if g.status != 200 || g.err != nil || g.body != strings.Join(goodEvents, "") || g.took > 20*time.Second {
				t.Errorf("%d %q %v after %s", g.status, g.body, g.err, g.took)
			}
			if rec := r.last(); rec.Error != "" || rec.Attempts[0].Means != "good" {
				t.Errorf("recorded as %+v", rec)
			}
		})
	}
}

// pieces reads an answer, and returns its parts and when the first of them arrived.
func (r *rig) pieces(path, body string, headers ...string) (parts []string, first time.Duration) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.server.URL+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	begun := time.Now()
	resp, err := (&http.Client{Transport: &http.Transport{DisableCompression: true}}).Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	in := bufio.NewReader(resp.Body)
	buffer := make([]byte, 64<<10)
	for {
		n, err := in.Read(buffer)
		if n > 0 {
			if parts == nil {
				first = time.Since(begun)
			}
			parts = append(parts, string(buffer[:n]))
		}
		if err != nil {
			return parts, first
		}
	}
}

// A site's comments reach the waiting caller, and failover is still possible.
func TestCommentsOfTheSiteArePassedOn(t *testing.T) {
	a := newTestSite(t, func(c *siteConn) {
		c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
		for range 5 {
			c.chunk(": OPENROUTER PROCESSING\n\n")
			c.sleep(500 * time.Millisecond)
		}
		c.close()
	})
	r := newRig(t, nil, a, newTestSite(t, goodStream))
	parts, _ := r.pieces(chatPath, chatStream)
	all := strings.Join(parts, "")
	if !strings.HasPrefix(all, ": OPENROUTER PROCESSING\n\n") || !strings.HasSuffix(all, strings.Join(goodEvents, "")) || len(parts) < 3 {
		t.Errorf("got %q", parts)
	}
}

// While a site sends nothing, the caller gets keep-alives.
func TestKeepAliveWhileAStreamPauses(t *testing.T) {
	quiet := func(c *siteConn) {
		c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
		c.chunk(goodEvents[0])
		c.sleep(700 * time.Millisecond)
		c.chunk(goodEvents[1][:20])
		c.sleep(700 * time.Millisecond)
		c.chunk(goodEvents[1][20:])
		c.sleep(700 * time.Millisecond)
		c.chunk(goodEvents[2] + goodEvents[3])
		c.send("0\r\n\r\n")
	}
	r := newRig(t, func(c *config.Config) { c.Proxy.StreamKeepalive = 200 * time.Millisecond }, newTestSite(t, quiet))
	parts, _ := r.pieces(chatPath, chatStream)
	all := strings.Join(parts, "")
	if !strings.HasPrefix(all, ": keep-alive\n\n") || strings.Count(all, ": keep-alive\n\n") < 4 {
		t.Errorf("got %q", all)
	}
	if left := strings.ReplaceAll(all, ": keep-alive\n\n", ""); left != strings.Join(goodEvents, "") {
		t.Errorf("the events are %q", left)
	}
}

// A compressed stream is passed on as it arrives.
func TestCompressedStreamsAreNotDelayed(t *testing.T) {
	a := newTestSite(t, func(c *siteConn) {
		c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
		w := gzip.NewWriter(chunkWriter{c})
		for _, e := range goodEvents[1:] {
			_, _ = w.Write([]byte(e))
			_ = w.Flush()
			c.sleep(500 * time.Millisecond)
		}
		_ = w.Close()
		c.send("0\r\n\r\n")
	})
	r := newRig(t, nil, a)
	if parts, _ := r.pieces(chatPath, chatStream, "Accept-Encoding", "gzip"); len(parts) < 3 {
		t.Errorf("%d pieces", len(parts))
	}
}

type chunkWriter struct{ c *siteConn }

func (w chunkWriter) Write(b []byte) (int, error) {
	w.c.chunk(string(b))
	return len(b), nil
}

// Events are passed on as they arrive, whatever ends their lines.
func TestEventsWithAnyLineEndAreNotDelayed(t *testing.T) {
	for name, ends := range map[string][2]string{"CR CR": {"\r", "\r"}, "LF CRLF": {"\n", "\r\n"}, "CRLF": {"\r\n", "\r\n"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var events []string
			for _, e := range goodEvents {
				events = append(events, strings.TrimRight(e, "\n")+ends[0]+ends[1])
			}
			a := newTestSite(t, func(c *siteConn) {
				c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
				for _, e := range events {
					c.chunk(e)
					c.sleep(400 * time.Millisecond)
				}
				c.send("0\r\n\r\n")
			})
			r := newRig(t, nil, a)
			parts, first := r.pieces(chatPath, chatStream)
			if strings.Join(parts, "") != strings.Join(events, "") || len(parts) < 3 || first > 1200*time.Millisecond {
				t.Errorf("%q, the first after %s", parts, first)
			}
		})
	}
}

func TestStreamsAreNotBuffered(t *testing.T) {
	r := newRig(t, nil, newTestSite(t, goodStream))
	if g := r.post(chatPath, chatStream); g.header.Get("X-Accel-Buffering") != "no" || g.header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%v", g.header)
	}
}

// If no channel answers, an answer that was begun early ends in an error event.
func TestAnErrorAfterAnEarlyStart(t *testing.T) {
	a := newTestSite(t, func(c *siteConn) {
		c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
		for range 4 {
			c.chunk(": wait\n\n")
			c.sleep(400 * time.Millisecond)
		}
		c.chunk(overloadedEvent)
		c.send("0\r\n\r\n")
	})
	r := newRig(t, func(c *config.Config) { c.Retry.MaxRetries = 0 }, a)
	g := r.post("/v1/messages", messagesBody)
	if g.status != 200 || !strings.Contains(g.body, "event: error\n") || !strings.Contains(g.body, `"type":"error"`) || strings.Count(g.body, "event: error") != 1 {
		t.Errorf("%d %q", g.status, g.body)
	}
}

// Tokens are found in answers that are compressed, too.
func TestTokensOfCompressedAnswers(t *testing.T) {
	for _, wire := range []script{
		reply(200, zipped(chatAnswer), "Content-Type: application/json", "Content-Encoding: gzip"),
		func(c *siteConn) {
			c.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
			c.chunk(zipped(chatAnswer))
			c.sleep(200 * time.Millisecond)
			c.send("0\r\n\r\n")
		},
	} {
		r := newRig(t, nil, newTestSite(t, wire))
		r.post(chatPath, chatBody, "Accept-Encoding", "gzip")
		if rec := r.last(); rec.TokensIn != 3 || rec.TokensOut != 1 || rec.Attempts[0].Means != "good" {
			t.Errorf("%+v", rec)
		}
	}
}

// TestErrorsInStreamsCountForTheChannel: an error inside a stream with status 200 counts as what it means,
// also after content: the channel that sends it, or the key that has reached a limit, cools
// down.
func TestErrorsInStreamsCountForTheChannel(t *testing.T) {
	hello := "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hello\"}}\n\n"
	geminiError := `{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}`
	for _, tt := range []struct {
		name, path, body string
		bad, good        script
	}{
		{"Anthropic", "/v1/messages", messagesBody, streamOf(overloadedEvent), goodMessages},
		{"Anthropic, after content", "/v1/messages", messagesBody, streamOf(hello, overloadedEvent), goodMessages},
		{"chat", chatPath, chatStream, streamOf(goodEvents[0], "data: {\"error\":{\"message\":\"upstream error\",\"type\":\"server_error\"}}\n\n"), goodStream},
		{"chat, after content", chatPath, chatStream, streamOf(goodEvents[0], goodEvents[1], "data: {\"error\":{\"message\":\"upstream error\",\"type\":\"server_error\"}}\n\n"), goodStream},
		{"Responses", "/v1/responses", responsesBody, streamOf("data: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"busy\"}\n\n"), goodResponses},
		{"Gemini's array", "/v1beta/models/g:streamGenerateContent", `{"contents":[]}`, reply(200, "["+geminiError+"]"), reply(200, `[{"candidates":[{"content":{"parts":[{"text":"hello"}]},"finishReason":"STOP"}]}]`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := newTestSite(t, tt.bad), newTestSite(t, tt.good)
			r := newRig(t, nil, a, b)
			const many = 20
			for range many {
				r.post(tt.path, tt.body)
			}
			if n := len(a.requests()); n < 1 || n > many/2 {
				t.Errorf("of %d requests %d went to the channel that sends errors", many, n)
			}
		})
	}
	t.Run("a key's limit", func(t *testing.T) {
		limited := "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"Number of requests has exceeded your rate limit\"}}\n\n"
		a := newTestSite(t, streamOf(limited), goodMessages)
		r := newRig(t, nil, a)
		r.post("/v1/messages", messagesBody)
		if s := r.keyStates("a"); s["a1"] == "ready" || s["a2"] != "ready" || s["a3"] != "ready" {
			t.Errorf("the keys are %v", s)
		}
	})
}
