package proxy

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// The error of a site that cannot be reached says why, without anything that the site sent,
// and the other site answers.
func TestUnreachableSites(t *testing.T) {
	refuseAll := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a key was sent where it should not have been")
	})
	secure := httptest.NewTLSServer(refuseAll)
	t.Cleanup(secure.Close)
	old := httptest.NewUnstartedServer(refuseAll)
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11} //nolint:gosec // what the test is about
	old.StartTLS()
	t.Cleanup(old.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it accepts connections and sends nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	plain := httptest.NewServer(refuseAll)
	t.Cleanup(plain.Close)
	for name, tt := range map[string]struct{ target, want string }{
		"nothing listens":               {"http://" + closed.Addr().String(), "cannot connect: connection refused"},
		"no such name":                  {"http://no-such-host.invalid", "cannot resolve the host name"},
		"https, and plain HTTP":         {"https://" + plain.Listener.Addr().String(), "does not speak TLS on this port"},
		"http, and TLS":                 {"http://" + secure.Listener.Addr().String(), "400 Bad Request"},
		"an unknown certificate":        {secure.URL, "TLS failed: the certificate is signed by an unknown authority"},
		"a handshake that does not end": {"https://" + silent.Addr().String(), "no TLS handshake within 500ms"},
		"an old version of TLS":         {old.URL, "TLS failed: protocol version not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			target, err := url.Parse(tt.target)
			if err != nil {
				t.Fatal(err)
			}
			r := newRig(t, func(c *config.Config) {
				c.Channels[0].Target = target
				c.Channels[0].Timeouts.Connect = 10 * time.Second
				if name == "a handshake that does not end" {
					c.Channels[0].Timeouts.Connect = 500 * time.Millisecond
				}
			}, newTestSite(t, good), newTestSite(t, good))
			if g := r.post(chatPath, chatBody); name != "http, and TLS" && g.status != 200 {
				t.Errorf("the other site did not answer: %d %s", g.status, g.body)
			}
			attempts := r.last().Attempts
			if len(attempts) == 0 || !strings.Contains(attempts[0].Error, tt.want) || strings.Contains(attempts[0].Error, "://127") {
				t.Errorf("%+v, want %q", attempts, tt.want)
			}
			r.wantReady("a") // no key is to blame
			if name != "http, and TLS" && (len(attempts) != 2 || attempts[0].Status != 0 || attempts[1].Channel != "b" || r.failures() != 1) {
				t.Errorf("%+v, %d failures", attempts, r.failures())
			}
		})
	}
}
