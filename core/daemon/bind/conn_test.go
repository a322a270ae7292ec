package bind

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// dial opens a connection to a server whose handler counts requests.
func dial(t *testing.T) (c net.Conn, served *int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served = new(int)
	s := NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*served++
		_, _ = io.Copy(w, r.Body)
	}), hclog.NewNullLogger())
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	if c, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, served
}

// TestTwoLengthsAreRefused: and whatever follows on the connection.
func TestTwoLengthsAreRefused(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"length first": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		"chunks first": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, served := dial(t)
			_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\n"+head+"\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n")
			in := bufio.NewReader(c)
			resp, err := http.ReadResponse(in, nil)
			if err != nil || resp.StatusCode != http.StatusBadRequest || !resp.Close {
				t.Fatalf("%+v, %v", resp, err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			if more, err := io.ReadAll(in); len(more) > 0 || *served != 0 {
				t.Errorf("%d requests were served, and the connection had another answer: %q, %v", *served, more, err)
			}
		})
	}
}

// TestOneLengthIsEnough: on a connection that is kept alive.
func TestOneLengthIsEnough(t *testing.T) {
	t.Parallel()
	c, served := dial(t)
	in := bufio.NewReader(c)
	for range 3 {
		for _, request := range []string{"Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"} {
			_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\n"+request)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello" {
				t.Fatalf("%s: %q, %v", resp.Status, body, err)
			}
		}
	}
	if *served != 6 {
		t.Errorf("%d requests were served", *served)
	}
}
