package bind

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// TestPauseEndsWithADeadline: one in the past, which is set before or during the pause.
func TestPauseEndsWithADeadline(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	c := &conn{deadlineConn: deadlineConn{Conn: near}}
	for i := range 200 {
		done := make(chan error)
		go func() { _, err := c.Read(make([]byte, 1)); done <- err }()
		if i%2 == 0 {
			time.Sleep(time.Duration(i) * 10 * time.Microsecond)
		}
		if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	go func() { _, _ = far.Write([]byte("a")) }()
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// TestCallerIsWatched: a handler notices that its caller disconnects, and the byte of a
// request that follows too early is not lost.
func TestCallerIsWatched(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	s := NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/gone":
			<-r.Context().Done()
			close(gone)
		case "/slow":
			time.Sleep(4 * watchAfter)
			fallthrough
		default:
			_, _ = w.Write(body)
		}
	}), hclog.NewNullLogger())
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	for range 3 { // both requests at once
		_, _ = io.WriteString(c, "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n2")
		for _, want := range []string{"1", "2"} {
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != want {
				t.Fatalf("%q, %v", body, err)
			}
		}
	}
	_, _ = io.WriteString(c, "POST /gone HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1")
	_ = c.Close()
	<-gone
}

// TestAPauseIsNotCutShort: by the timer of the one before, which ended early.
func TestAPauseIsNotCutShort(t *testing.T) {
	t.Parallel()
	const long = 50 * time.Millisecond
	var p pause
	for i := range 20 {
		ended := make(chan bool)
		go func() { ended <- p.wait(long) }()
		time.Sleep(time.Duration(i) * 3 * time.Millisecond) // at any moment of the timer
		p.setDeadline(time.Unix(1, 0))
		<-ended
		p.setDeadline(time.Time{})
		if begun := time.Now(); !p.wait(long) || time.Since(begun) < long {
			t.Fatalf("a pause of %s took %s", long, time.Since(begun))
		}
	}
}
