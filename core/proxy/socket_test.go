package proxy

import (
	"bufio"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

func TestUpgradesAreRelayed(t *testing.T) {
	t.Parallel()
	s := fake(t, "only")
	r := inFrontOf(t, defaults, s)
	conn := r.connect("GET /v1/realtime HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer own\r\n\r\nfirst ")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Upgrade") != "websocket" {
		t.Fatalf("%v %v", resp, err)
	}
	_, _ = io.WriteString(conn, "second")
	echo := make([]byte, len("first second"))
	if _, err := io.ReadFull(in, echo); err != nil || string(echo) != "first second" {
		t.Fatalf("%q %v", echo, err)
	}
	_ = conn.Close()
	if _, err := s.WaitDisconnected(1, testhelp.Limit); err != nil {
		t.Error(err)
	}
	if got := credentials(s); !slices.Equal(got, []string{p1}) {
		t.Errorf("the site was sent the credentials %v", got)
	}
	r.idle()
	if last := r.last(); last.Status != 101 || last.BytesIn != 12 || last.BytesOut != 12 {
		t.Errorf("%+v", last)
	}
}

// A WebSocket is relayed: the handshake is answered, and frames pass in both directions.
func TestWebSocketsAreRelayed(t *testing.T) {
	t.Parallel()
	s := newTestSite(t, func(c *siteConn) {
		c.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05hello")
		frame := make([]byte, 11)
		if _, err := io.ReadFull(c.Conn, frame); err == nil {
			c.send(string(append([]byte{0x82, byte(len(frame))}, frame...)))
		}
	})
	r := newRig(t, nil, s)
	conn := r.connect("GET /v1/realtime?model=gpt-x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: realtime\r\nAuthorization: Bearer own\r\n\r\n")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("%+v %v", resp, err)
	}
	first := make([]byte, 7)
	if _, err := io.ReadFull(in, first); err != nil || string(first) != "\x81\x05hello" {
		t.Fatalf("%q %v", first, err)
	}
	_, _ = io.WriteString(conn, "\x81\x85\x01\x02\x03\x04ifmhn")
	back := make([]byte, 13)
	if _, err := io.ReadFull(in, back); err != nil || string(back) != "\x82\x0b\x81\x85\x01\x02\x03\x04ifmhn" {
		t.Errorf("%q %v", back, err)
	}
	if got := s.requests()[0].Header; got.Get("Authorization") != "Bearer sk-key-a1" || got.Get("Sec-WebSocket-Key") == "" || got.Get("Sec-WebSocket-Protocol") != "realtime" {
		t.Errorf("the site was sent %v", got)
	}
}
