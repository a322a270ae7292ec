package proxy

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestWebSocketsCloseWhenStopping: an idle WebSocket gets a close frame at once when the
// program stops.
func TestWebSocketsCloseWhenStopping(t *testing.T) {
	a := newTestSite(t, func(c *siteConn) {
		c.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(io.Discard, c.Conn)
	})
	r := newRig(t, nil, a)
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET /v1/realtime?model=gpt-x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	in := bufio.NewReader(conn)
	for line := ""; line != "\r\n"; {
		if line, err = in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	relayed := func() bool {
		r.handler.sockets.mu.Lock()
		defer r.handler.sockets.mu.Unlock()
		return len(r.handler.sockets.all) == 1
	}
	testhelp.Eventually(t, "the connection is relayed", relayed)
	r.handler.CloseSockets()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	got, err := io.ReadAll(in)
	if err != nil || string(got) != string(closeOfServer) {
		t.Errorf("%x %v", got, err)
	}
	testhelp.Eventually(t, "the request ends", func() bool { return r.handler.Active() == 0 })
}

// A site that switches protocols although that was not requested is broken.
func TestASwitchOfProtocolsThatWasNotRequested(t *testing.T) {
	a := newTestSite(t, func(c *siteConn) {
		c.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	})
	if g := newRig(t, nil, a, newTestSite(t, good)).post(chatPath, chatBody); g.status != 200 {
		t.Errorf("%d %s", g.status, g.body)
	}
}

// A stream that is still open when the time to drain is over ends with an error event of
// its dialect.
func TestInterruptedStreamsEndWithAnError(t *testing.T) {
	began, once := make(chan struct{}), sync.Once{}
	a := newTestSite(t, func(c *siteConn) {
		c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
		c.chunk("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hello\"}}\n\n")
		once.Do(func() { close(began) })
		c.sleep(time.Minute)
	})
	r := newRig(t, func(c *config.Config) { c.Retry.MaxRetries = 0 }, a)
	result := make(chan got, 1)
	go func() { result <- r.post("/v1/messages", messagesBody) }()
	<-began
	var g got
	for done := false; !done; {
		r.handler.Interrupt()
		select {
		case g = <-result:
			done = true
		case <-time.After(10 * time.Millisecond):
		}
	}
	if g.status == 200 && (!strings.Contains(g.body, "event: error") || !strings.Contains(g.body, "stopping") || g.err != nil) {
		t.Errorf("%d %q %v", g.status, g.body, g.err)
	}
}
