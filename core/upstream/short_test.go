package upstream

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzShortRequest compares a short request with what net/http writes for it.
func FuzzShortRequest(f *testing.F) {
	f.Add("POST", "http://site/v1/chat/completions", "", "Authorization", "Bearer key", "agent/1.0", `{"model":"m"}`)
	f.Add("GET", "http://site:8080/a%20b?q=1&q=%2F", "other.example", "X-Odd", "  spaces\t", "", "")
	f.Add("PUT", "http://[::1]:80/", "", "content-length", "7", "a", "")
	f.Add("DELETE", "http://site", "", "Trailer", "x", " a ", "body")
	f.Add("PATCH", "http://site/?", "münchen.example", "X-(", "y", "a", "")
	f.Add("HEAD", "http://[fe80::1%25eth0]/", "", "A", "", "a", "")
	f.Fuzz(func(t *testing.T, method, address, host, name, value, agent, body string) {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || method == "" || !sendable(http.Header{name: {value}, "User-Agent": {agent}}) || strings.ContainsAny(method, " \r\n") {
			t.Skip()
		}
		request := func() *http.Request {
			r := &http.Request{Method: method, URL: u, Host: host, Header: http.Header{"User-Agent": {agent}, name: {value, value}, "Accept": {"*/*"}}, ContentLength: int64(len(body))}
			if body != "" {
				r.Body = io.NopCloser(strings.NewReader(body))
			}
			return r
		}
		if !isCommon(request()) || !isShort(request()) {
			t.Skip()
		}
		var want bytes.Buffer
		wantErr := request().Write(&want)
		got, err := (&Pool{}).short(request())
		defer got.free()
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got.bytes, want.Bytes()) {
			t.Errorf("%q, %v; net/http writes %q, %v", got.bytes, err, want.Bytes(), wantErr)
		}
	})
}

// TestShortBodyThatEnds: a body that is shorter than its length is not sent, and is an error.
func TestShortBodyThatEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	r := s.request(t, "POST", "body")
	r.ContentLength = 10
	r.Header.Set("User-Agent", "a")
	_, err := s.pool(t).Do(r, Call{})
	if PhaseOf(err) != Write || len(s.received()) != 0 {
		t.Errorf("%v; the site received %q", err, s.received())
	}
}
