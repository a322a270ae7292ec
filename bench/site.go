package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// bodySize is the size of a request.
const bodySize = 2 << 10

// request is the body of every request, padded to bodySize. It says how the site streams,
// since every proxy forwards the body.
type request struct {
	Model   string `json:"model"`
	Stream  bool   `json:"stream"`
	Tokens  int    `json:"tokens,omitempty"`
	PaceMS  int64  `json:"pace_ms,omitempty"`
	Padding string `json:"padding"`
}

func (r request) encode() []byte {
	body, err := json.Marshal(r)
	if err == nil {
		r.Padding = strings.Repeat("x", max(0, bodySize-len(body)))
		body, err = json.Marshal(r)
	}
	if err != nil {
		panic(err) // always possible
	}
	return body
}

// wholeAnswer is the answer to every request without streaming: about 1 KB.
var wholeAnswer = fmt.Appendf(nil, `{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}],"usage":{"prompt_tokens":512,"completion_tokens":200,"total_tokens":712}}`, strings.Repeat("lorem ips ", 80))

// serveSite returns a cheap AI site: with net/http, it would be the bottleneck.
func serveSite(l net.Listener) error {
	server := fasthttp.Server{Handler: siteHandler, NoDefaultServerHeader: true, NoDefaultDate: true}
	return server.Serve(l)
}

func siteHandler(ctx *fasthttp.RequestCtx) {
	body := ctx.PostBody()
	if len(body) != bodySize {
		ctx.Error(fmt.Sprintf(`{"error":{"message":"%d bytes came, not %d"}}`, len(body), bodySize), fasthttp.StatusBadRequest)
		return
	}
	var r request
	// The padding, most of the body, need not be parsed.
	if err := json.Unmarshal(fmt.Appendf(nil, "%s}", body[:strings.Index(string(body), `,"padding"`)]), &r); err != nil || !r.Stream {
		ctx.SetContentType("application/json")
		ctx.SetBody(wholeAnswer)
		return
	}
	ctx.SetContentType("text/event-stream")
	ctx.Response.ImmediateHeaderFlush = true
	ctx.SetBodyStreamWriter(func(w *bufio.Writer) { stream(w, r) })
}

// preambleTime is the time between a stream's first event and its content. A proxy that
// judges answers holds the event until then.
const preambleTime = 5 * time.Millisecond

// stream sends an event without content, and then tokens at the given pace, each with its
// time.
func stream(w *bufio.Writer, r request) {
	pace := time.Duration(r.PaceMS) * time.Millisecond
	_, _ = w.WriteString("data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n")
	if w.Flush() != nil {
		return
	}
	begun := time.Now().Add(preambleTime)
	for i := range r.Tokens {
		time.Sleep(time.Until(begun.Add(time.Duration(i) * pace)))
		_, _ = fmt.Fprintf(w, "data: {\"sent\":%d,\"choices\":[{\"index\":0,\"delta\":{\"content\":\" token\"}}]}\n\n", time.Now().UnixNano())
		if w.Flush() != nil {
			return
		}
	}
	_, _ = w.WriteString("data: [DONE]\n\n")
	_ = w.Flush()
}
