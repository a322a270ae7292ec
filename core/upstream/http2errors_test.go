package upstream

import (
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// serveFrames runs a site that speaks HTTP/2 without TLS. react is called for each request,
// and closes the connection by returning false.
func serveFrames(t *testing.T, react func(f *http2.Framer, id uint32) bool) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveEach(t, l, func(c net.Conn) {
		defer func() { _ = c.Close() }()
		if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		f := http2.NewFramer(c, c)
		f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		_ = f.WriteSettings()
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := frame.(*http2.MetaHeadersFrame); ok && !react(f, h.StreamID) {
				return
			}
		}
	})
	return l.Addr().String()
}

// TestHTTP2Errors gets the errors of net/http that are recognized by type or text from
// net/http itself, so that it fails if a new version has other ones.
func TestHTTP2Errors(t *testing.T) {
	t.Parallel()
	checks := map[string]func(error) bool{
		"isRefused": isRefused, "isAfterGoAway": isAfterGoAway, "isUnusable": isUnusable, "isDropped": isDropped,
		"isGoAwayWithError": isGoAwayWithError, "isNotAccepted": isNotAccepted, "isAnswered": isAnswered,
	}
	reset := func(code http2.ErrCode) func(*http2.Framer, uint32) bool {
		return func(f *http2.Framer, id uint32) bool { return f.WriteRSTStream(id, code) == nil }
	}
	for name, c := range map[string]struct {
		react func(f *http2.Framer, id uint32) bool
		want  []string // the functions that report true
		phase Phase    // of the failure on a connection that was used before
	}{
		"refused": {reset(http2.ErrCodeRefusedStream), []string{"isAnswered", "isNotAccepted", "isRefused"}, Stale},
		"reset":   {reset(http2.ErrCodeInternal), []string{"isAnswered"}, NoAnswer},
		"GOAWAY that does not name the request": {func(f *http2.Framer, _ uint32) bool {
			return f.WriteGoAway(0, http2.ErrCodeNo, nil) == nil
		}, []string{"isAfterGoAway", "isNotAccepted"}, Stale},
		"GOAWAY with an error": {func(f *http2.Framer, _ uint32) bool {
			return f.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, nil) == nil
		}, []string{"isAnswered", "isGoAwayWithError"}, NoAnswer},
		"GOAWAY that names the request, and no answer": {func(f *http2.Framer, id uint32) bool {
			_ = f.WriteGoAway(id, http2.ErrCodeNo, nil)
			return false
		}, []string{"isAnswered", "isDropped"}, NoAnswer},
		"closed": {func(*http2.Framer, uint32) bool { return false }, nil, Stale},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dialFrames(t, serveFrames(t, c.react))
			err := roundTrip(t, conn)
			wantTrue(t, checks, err, c.want)
			var got *Error
			if failed := failedHTTP2(t.Context(), &written{sent: SentAll}, true, err); !errors.As(failed, &got) || got.Phase != c.phase || (got.Sent == SentNothing) != isNotAccepted(err) {
				t.Errorf("%+v, want the phase %q", got, c.phase)
			}
		})
	}
	t.Run("a request after GOAWAY", func(t *testing.T) {
		t.Parallel()
		conn := dialFrames(t, serveFrames(t, func(f *http2.Framer, id uint32) bool {
			return f.WriteGoAway(id, http2.ErrCodeNo, nil) == nil && f.WriteRSTStream(id, http2.ErrCodeInternal) == nil
		}))
		_ = roundTrip(t, conn)
		testhelp.Eventually(t, "the connection takes no request", func() bool { return conn.Available() == 0 })
		wantTrue(t, checks, roundTrip(t, conn), []string{"isNotAccepted", "isUnusable"})
	})
}

// dialFrames returns a connection of net/http to a site of serveFrames.
func dialFrames(t *testing.T, address string) *http.ClientConn {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	conn, err := transport.NewClientConn(t.Context(), "http", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// roundTrip sends a request that fails.
func roundTrip(t *testing.T, conn *http.ClientConn) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://site.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := conn.RoundTrip(r)
	if err == nil {
		_ = resp.Body.Close()
		t.Fatalf("the answer is %s, want an error", resp.Status)
	}
	return err
}

// wantTrue fails the test unless exactly the named functions report true for err.
func wantTrue(t *testing.T, checks map[string]func(error) bool, err error, want []string) {
	t.Helper()
	for name, check := range checks {
		if got := check(err); got != slices.Contains(want, name) {
			t.Errorf("%s is %t for %q", name, got, err)
		}
	}
}
