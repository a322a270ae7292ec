package upstream

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// FuzzExchange sends arbitrary bytes as an answer: the pool reads them as the parser of
// net/http does, no other request gets any of them, and nothing waits forever.
func FuzzExchange(f *testing.F) {
	for _, a := range answers {
		if len(a.text) < 4<<10 {
			f.Add([]byte(a.text), "GET")
			f.Add([]byte(a.text), "HEAD")
		}
	}
	f.Fuzz(func(t *testing.T, answer []byte, method string) {
		if method != "GET" && method != "HEAD" && method != "POST" {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		dials := 0
		p := NewPool(Options{
			Target: &url.URL{Scheme: "http", Host: "site.example"}, Connect: time.Second,
			Egress: Egress{Dial: func(context.Context, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				text := answer
				if dials++; dials > 1 {
					text = []byte("HTTP/1.1 204 Mine\r\nContent-Length: 0\r\n\r\n")
				}
				go func() {
					_, _ = http.ReadRequest(bufio.NewReader(theirs))
					_, _ = theirs.Write(text)
					_ = theirs.Close()
				}()
				return ours, nil
			}},
		})
		defer p.Close()
		request := func() *http.Request {
			r, err := http.NewRequestWithContext(ctx, method, "http://site.example/", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		want, wantBody := parse(answer, method)
		resp, err := p.RoundTrip(request())
		switch {
		case err != nil && PhaseOf(err) == "":
			t.Fatalf("an error without a phase: %v", err)
		case (want == nil) != (err != nil):
			t.Fatalf("%v, %v, but net/http: %v", resp, err, want)
		case err == nil:
			body, readErr := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != want.StatusCode || !bytes.Equal(body, wantBody) {
				t.Fatalf("%d %q (%v), want %d %q", resp.StatusCode, body, readErr, want.StatusCode, wantBody)
			}
		}
		resp, err = p.RoundTrip(request())
		if PhaseOf(err) == Stale {
			resp, err = p.Do(request(), Call{Fresh: true})
		}
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusNoContent || resp.Status != "204 Mine" {
			t.Fatalf("the second request got %q", resp.Status)
		}
		_ = resp.Body.Close()
		if ctx.Err() != nil {
			t.Fatal("it took too long")
		}
	})
}

// parse parses an answer with net/http, and returns nil if that refuses it.
func parse(answer []byte, method string) (*http.Response, []byte) {
	in := bufio.NewReader(bytes.NewReader(answer))
	for range maxInformational + 1 {
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil || checkHead(resp, false) != nil {
			return nil, nil
		}
		if resp.StatusCode >= 200 {
			body, _ := io.ReadAll(resp.Body)
			return resp, body
		}
	}
	return nil, nil
}
