package proxy

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/sdk"
)

// A probe goes to the channel with its key, which the checker never sees.
func TestAProbeUsesTheKeyOfTheChannel(t *testing.T) {
	site := newTestSite(t, reply(401, `{"error":{"message":"the key sk-key-a1 is wrong"}}`, "X-Echo: sk-key-a1", "Location: https://elsewhere.example/"))
	r := newRig(t, nil, site)
	p := r.handler.Prober(r.handler.current.Load().table.Channels[0])
	got, err := p.Probe(t.Context(), sdk.ProbeRequest{Path: "/v1/models?limit=1&key=own", Header: map[string]string{"X-Test": "1", "Authorization": "Bearer own"}})
	if err != nil || got.Status != 401 || !strings.Contains(string(got.Body), "the key *** is wrong") || got.Header["X-Echo"] != "***" {
		t.Errorf("%v %+v", err, got)
	}
	q := site.requests()[0]
	if q.Method != http.MethodGet || q.URL.String() != "/v1/models?limit=1" || q.Header.Get("X-Test") != "1" || strings.Join(q.Header.Values("Authorization"), " ") != "Bearer sk-key-a1" {
		t.Errorf("the site was sent %s %s %v", q.Method, q.URL, q.Header)
	}
	for _, path := range []string{"v1/models", "/v1/../admin", "http://elsewhere.example/", "/v1/%2e%2e/admin"} {
		if _, err := p.Probe(t.Context(), sdk.ProbeRequest{Path: path}); err == nil {
			t.Errorf("a probe of %q", path)
		}
	}
	if _, err := p.Probe(t.Context(), sdk.ProbeRequest{Path: "/", Body: make([]byte, maxProbeBody+1)}); err == nil {
		t.Error("a probe with a body over the limit")
	}
	site.then(func(c *siteConn) { c.close() })
	if _, err := p.Probe(t.Context(), sdk.ProbeRequest{Method: "POST", Path: "/", Body: []byte("{}")}); err == nil || err.Error() != "the connection broke before an answer" {
		t.Errorf("%v", err)
	}
	site.then(func(c *siteConn) { c.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"); c.close() })
	if _, err := p.Probe(t.Context(), sdk.ProbeRequest{Path: "/"}); err == nil || err.Error() != "the answer was cut off" {
		t.Errorf("%v", err)
	}
}

// Trailers of an answer are passed on, except those that the standard forbids.
func TestTrailersArePassedOn(t *testing.T) {
	r := newRig(t, nil, newTestSite(t, func(c *siteConn) {
		c.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: X-Checksum, Authorization\r\n\r\n")
		c.chunk(chatAnswer)
		c.send("0\r\nX-Checksum: abc\r\nAuthorization: Bearer sk-key-a1\r\nSet-Cookie: a=b\r\n\r\n")
	}))
	answer := r.raw("POST "+chatPath+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 61\r\n\r\n"+chatBody, false)
	_, trailer, _ := strings.Cut(answer, "\r\n0\r\n")
	if !strings.Contains(trailer, "X-Checksum: abc") || strings.Contains(trailer, "sk-key") || strings.Contains(trailer, "Set-Cookie") {
		t.Errorf("%q", answer)
	}
}
