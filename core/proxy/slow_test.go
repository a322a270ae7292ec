package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// connect opens a connection to the entry and writes text.
func (r *rig) connect(text string) net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(r.server.URL, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		r.t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c
}

// A refused request is answered before its body has arrived, and its connection is not
// kept open for the body.
func TestRefusedBeforeTheBody(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Proxy.ClientTokens = []config.Secret{config.NewSecret("right")} }, newTestSite(t, good))
	begun := time.Now()
	conns := make([]net.Conn, 50)
	for i := range conns {
		conns[i] = r.connect("POST " + chatPath + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nContent-Length: 1000\r\n\r\nx")
	}
	for _, c := range conns {
		in := bufio.NewReader(c)
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode != http.StatusUnauthorized {
			t.Fatalf("%v, %v", resp, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Error(err)
		}
	}
	answered := time.Since(begun)
	for _, c := range conns {
		if n, err := io.Copy(io.Discard, c); err != nil {
			t.Fatalf("after %s: %d bytes, %v", time.Since(begun), n, err)
		}
	}
	if answered > time.Since(begun)/2 {
		t.Errorf("answers came after %s, the end after %s", answered, time.Since(begun))
	}
}

// After a refused request whose body arrives at once, the connection can be used again.
func TestRefusedAndReused(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Proxy.ClientTokens = []config.Secret{config.NewSecret("right")} }, newTestSite(t, good))
	head := "POST " + chatPath + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
	c := r.connect(fmt.Sprintf(head, "wrong", len(chatBody)) + chatBody)
	in := bufio.NewReader(c)
	for i, want := range []int{401, 200} {
		if i == 1 {
			if _, err := io.WriteString(c, fmt.Sprintf(head, "right", len(chatBody))+chatBody); err != nil {
				t.Fatal(err)
			}
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("%v, %v, want %d", resp, err, want)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
	}
}

// Callers that announce a large body and send little use only the memory of what they
// sent.
func TestAnnouncedBodiesTakeNoMemory(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Proxy.BufferLimit = 16 << 20 }, newTestSite(t, good))
	for range 40 {
		r.connect("POST " + chatPath + " HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n{")
	}
	testhelp.Eventually(t, "all of them are read", func() bool { return r.handler.Active() == 40 })
	for range 5 {
		if got := r.post(chatPath, chatBody); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
}

func TestBudgetLeavesRoomForSmallBodies(t *testing.T) {
	b := &budget{limit: 64 << 20}
	taken := 0
	for b.take(8<<20, 0) {
		taken++
	}
	if taken < 6 {
		t.Errorf("%d large bodies were taken", taken)
	}
	for i := range 100 {
		if !b.take(4<<10, 0) {
			t.Fatalf("small body %d was refused", i)
		}
	}
	if alone := (&budget{limit: 8 << 20}); !alone.take(8<<20, 0) || alone.take(1, 8<<20) {
		t.Error("a single body may use exactly the limit")
	}
}

// A caller that never reads does not keep a connection to a site open forever.
func TestCallersThatNeverRead(t *testing.T) {
	gone := make(chan struct{}, 1)
	endless := func(c *siteConn) {
		c.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n{\"object\":\"x\",")
		for piece := strings.Repeat("x", 64<<10); ; {
			if _, err := io.WriteString(c.Conn, piece); err != nil {
				gone <- struct{}{}
				return
			}
		}
	}
	r := newRig(t, nil, newTestSite(t, endless))
	r.handler.writeTime = 300 * time.Millisecond
	r.connect("POST " + chatPath + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + fmt.Sprint(len(chatBody)) + "\r\n\r\n" + chatBody)
	select {
	case <-gone:
	case <-time.After(20 * time.Second):
		t.Fatal("the site's connection is still open")
	}
}
