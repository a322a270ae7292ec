package fakesite

import (
	"context"
	"crypto/tls"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"time"
)

// complete stands for all events of an answer.
const complete = math.MaxInt

// answer gives the normal answer, or its first n events, and then calls broken. An
// answer that is not a stream counts as one event, and is cut off in the middle.
func (x *Exchange) answer(n int, broken func()) {
	switch {
	case !x.allowed():
		x.fail(faultKey)
	case x.upgrades():
		x.echo()
	case x.op == opUnknown:
		x.fail(faultPath)
	case x.streams():
		x.stream(n, broken)
	case n == complete:
		x.send(http.StatusOK, "application/json", x.whole())
	default:
		x.half(n, broken)
	}
}

// stream sends the answer's events at the site's pace, n of them at most.
func (x *Exchange) stream(n int, broken func()) {
	x.startStream(x.sse())
	for i, e := range x.events() {
		if i == n {
			break
		}
		if _, err := io.WriteString(x.W, e); err != nil {
			panic(http.ErrAbortHandler)
		}
		x.flush()
		x.pause(x.Site.pace)
	}
	if n != complete {
		broken()
	}
}

// half sends the headers and, unless n is 0, half of an answer that is not a stream.
func (x *Exchange) half(n int, broken func()) {
	x.W.Header().Set("Content-Type", "application/json")
	x.W.WriteHeader(http.StatusOK)
	if n > 0 {
		body := x.whole()
		_, _ = io.WriteString(x.W, body[:len(body)/2])
	}
	x.flush()
	broken()
}

// startStream sends the headers of a stream.
func (x *Exchange) startStream(sse bool) {
	kind := "application/json"
	if sse {
		kind = "text/event-stream"
	}
	x.W.Header().Set("Content-Type", kind)
	x.W.Header().Set("Cache-Control", "no-cache")
	x.W.WriteHeader(http.StatusOK)
	x.flush()
}

// flush sends what was written so far. A disconnected client is noticed elsewhere.
func (x *Exchange) flush() { _ = http.NewResponseController(x.W).Flush() }

// pause waits, and gives up the answer when the client disconnects or the site closes.
func (x *Exchange) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-x.R.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

// hang waits until the client disconnects or the site closes.
func (x *Exchange) hang() {
	<-x.R.Context().Done()
	panic(http.ErrAbortHandler)
}

// cut closes the connection without ending the answer.
func (x *Exchange) cut() { panic(http.ErrAbortHandler) }

// reset closes the connection with a TCP reset; with HTTP/2, where many requests share
// a connection, it resets the stream.
func (x *Exchange) reset() {
	conn, _, err := http.NewResponseController(x.W).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = conn.Close()
}

// upgrades reports whether the request asks for a WebSocket, on which the site repeats
// what it receives.
func (x *Exchange) upgrades() bool {
	return strings.EqualFold(x.R.Header.Get("Upgrade"), "websocket") &&
		strings.Contains(strings.ToLower(x.R.Header.Get("Connection")), "upgrade")
}

// echo switches to the echo protocol: every byte is sent back until the client stops
// sending.
func (x *Exchange) echo() {
	conn, buffered, err := http.NewResponseController(x.W).Hijack()
	if err != nil {
		x.fail(faultPath) // HTTP/2 has no upgrades
		return
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(x.Site.life, func() { _ = conn.Close() })()
	_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Site: "+
		x.Site.name+"\r\n\r\n")
	if err == nil {
		_, _ = io.Copy(conn, buffered)
	}
	if x.Site.life.Err() == nil {
		x.note.leave()
	}
}
