package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/upstream/proxytest"
)

func TestRequestsThroughEachKindOfProxy(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	_, port, _ := net.SplitHostPort(s.Addr().String())
	for name, tt := range map[string]struct {
		scheme, login string
		host          string
		want          string // in the proxy's log
		phase         Phase
		resolves      bool
		reply         byte
	}{
		"http, with the complete URL": {scheme: "http", login: "me:secret@", host: "127.0.0.1", want: "POST http://127.0.0.1:" + port + "/v1"},
		"http, wrong password":        {scheme: "http", login: "me:wrong@", host: "127.0.0.1", phase: Proxy},
		"socks5 resolves here":        {scheme: "socks5", login: "me:secret@", host: "site.example", want: "SOCKS 127.0.0.1:" + port, resolves: true},
		"socks5h resolves there":      {scheme: "socks5h", login: "me:secret@", host: "site.example", want: "SOCKS site.example:" + port},
		"socks5, no password":         {scheme: "socks5", host: "127.0.0.1", phase: Proxy},
		"socks5, wrong password":      {scheme: "socks5", login: "me:wrong@", host: "127.0.0.1", phase: Proxy},
		"socks5, not allowed":         {scheme: "socks5", login: "me:secret@", host: "127.0.0.1", reply: 2, phase: Proxy},
		"socks5, the site refuses":    {scheme: "socks5", login: "me:secret@", host: "127.0.0.1", reply: 5, phase: Connect},
		"socks5, the site times out":  {scheme: "socks5", login: "me:secret@", host: "127.0.0.1", reply: 6, phase: Connect},
		"socks5, an unknown address":  {scheme: "socks5", login: "me:secret@", host: "::1", reply: 3, phase: Connect},
		"an http proxy taken for one": {scheme: "https", host: "127.0.0.1", phase: Proxy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := proxytest.New(t)
			proxy.User, proxy.Password, proxy.Reply = "me", "secret", tt.reply
			p := NewPool(Options{
				Target: &url.URL{Scheme: "http", Host: net.JoinHostPort(tt.host, port)}, Connect: 5 * time.Second,
				Egress: Egress{Proxy: proxy.URL(tt.scheme, tt.login)},
			})
			t.Cleanup(p.Close)
			resolved := false
			p.connector.lookup = func(context.Context, string) ([]netip.Addr, error) {
				resolved = true
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			}
			r := s.request(t, "POST", "x")
			r.URL.Host = p.options.Target.Host
			resp, err := p.RoundTrip(r)
			if tt.phase != "" {
				if PhaseOf(err) != tt.phase {
					t.Errorf("%v, want phase %s", err, tt.phase)
				}
				return
			}
			if got := read(t, resp, err); got != "ok" {
				t.Error(got)
			}
			if got := proxy.Lines(); !slices.Equal(got, []string{tt.want}) {
				t.Errorf("the proxy logged %q, want %q", got, tt.want)
			}
			if resolved != tt.resolves {
				t.Errorf("a name was resolved here: %v", resolved)
			}
		})
	}
}

// A proxy relays TLS without decrypting it.
func TestProxyAndTLS(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "socks5", "socks5h"} {
		for _, http2 := range []bool{false, true} {
			p, server := secureSite(t, http2, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.Proto) }))
			proxy := proxytest.New(t)
			p.options.Egress.Proxy = proxy.URL(scheme, "")
			for range 2 {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := p.RoundTrip(r)
				if got := read(t, resp, err); http2 != (got == "HTTP/2.0") {
					t.Errorf("%s: %s", scheme, got)
				}
			}
			if got := proxy.Lines(); len(got) != 1 || !strings.HasSuffix(got[0], strings.TrimPrefix(server.URL, "https://")) {
				t.Errorf("%s: %q", scheme, got)
			}
		}
	}
}

// A proxy that is reached over TLS.
func TestSecureProxy(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	p, server := secureSite(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Get(r.RequestURI)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = io.Copy(w, resp.Body)
		_ = resp.Body.Close()
	}))
	through := NewPool(Options{Target: s.url(), Connect: 5 * time.Second, Roots: p.options.Roots, Egress: Egress{Proxy: &url.URL{Scheme: "https", Host: strings.TrimPrefix(server.URL, "https://")}}})
	t.Cleanup(through.Close)
	resp, err := through.RoundTrip(s.request(t, "GET", ""))
	if got := read(t, resp, err); got != "ok" {
		t.Error(got)
	}
}

func TestDeadProxy(t *testing.T) {
	t.Parallel()
	proxy := proxytest.New(t)
	_ = proxy.Close()
	s := newSite(t, good)
	for _, scheme := range []string{"http", "https", "socks5", "socks5h"} {
		p := NewPool(Options{Target: s.url(), Connect: time.Second, Egress: Egress{Proxy: proxy.URL(scheme, "")}})
		_, err := p.RoundTrip(s.request(t, "GET", ""))
		if PhaseOf(err) != Proxy {
			t.Errorf("%s: %v", scheme, err)
		}
		p.Close()
	}
}

// An answer to CONNECT, and the proxy's own answer to a complete URL, say whether the proxy
// or the site failed. An answer of the site is not changed.
func TestAnswersOfProxies(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]struct {
		connect, plain Phase
		text           string
	}{
		"407 Who":                          {Proxy, Proxy, "the proxy refuses the user and password"},
		"401 No\r\nServer: tinyproxy/1.11": {Proxy, Proxy, "the proxy refuses the user and password"},
		"403 No\r\nX-Squid-Error: ERR_ACCESS_DENIED 0":  {Proxy, Proxy, "the proxy's rules do not allow the connection: it answered 403"},
		"500 No\r\nServer: tinyproxy/1.11":              {Connect, Connect, "the proxy cannot reach the site: it answered 500"},
		"503 No\r\nX-Squid-Error: ERR_CONNECT_FAIL 111": {Connect, Connect, "the proxy cannot reach the site: it answered 503"},
		"502 No":                  {Connect, "", "the proxy cannot reach the site: it answered 502"},
		"401 No\r\nServer: nginx": {Proxy, "", "the proxy refuses the user and password"},
		"404 No":                  {Proxy, "", "the proxy answered with 404"},
	} {
		s := newSite(t, script{pieces: []string{"HTTP/1.1 " + answer + "\r\nContent-Length: 0\r\n\r\n"}, end: closeIt})
		for scheme, phase := range map[string]Phase{"https": want.connect, "http": want.plain} {
			p := NewPool(Options{Target: &url.URL{Scheme: scheme, Host: "site.example"}, Connect: 5 * time.Second, Egress: Egress{Proxy: s.url()}})
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, scheme+"://site.example/v1", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := p.RoundTrip(r)
			var e *Error
			if PhaseOf(err) != phase || errors.As(err, &e) && e.Text() != want.text {
				t.Errorf("%s, %q: %v, want phase %q, %q", scheme, answer, err, phase, want.text)
			}
			if resp != nil {
				_ = resp.Body.Close()
			}
			p.Close()
		}
	}
}

// TestErrorTextsOfProxies checks what errors say about a proxy that cannot be used.
func TestErrorTextsOfProxies(t *testing.T) {
	t.Parallel()
	_, server := secureSite(t, false, http.NotFoundHandler())
	plain := newSite(t, script{pieces: []string{"hello"}, end: closeIt})
	for text, proxy := range map[string]string{
		"TLS with the proxy failed: its certificate is from an authority that this machine does not trust": server.URL,
		"the host name of the proxy cannot be resolved":                                                    "http://proxy.invalid:1",
		"the proxy gave no answer to CONNECT":                                                              plain.url().String(),
	} {
		u, err := url.Parse(proxy)
		if err != nil {
			t.Fatal(err)
		}
		p := NewPool(Options{Target: &url.URL{Scheme: "https", Host: "site.example"}, Connect: 20 * time.Second, Egress: Egress{Proxy: u}})
		r := httptest.NewRequestWithContext(t.Context(), "GET", "https://site.example/", http.NoBody)
		_, err = p.RoundTrip(r)
		var e *Error
		if !errors.As(err, &e) || e.Phase != Proxy || e.Text() != text {
			t.Errorf("%s: %v: %q, want %q", proxy, err, e.Text(), text)
		}
		p.Close()
	}
}

// Errors of a dialer are failures of the egress, unless it says otherwise.
func TestDialerErrors(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]Phase{
		errors.New("the tunnel is down"):                           Proxy,
		&Error{Phase: Connect, Err: errors.New("refused by sshd")}: Connect,
	} {
		p := NewPool(Options{
			Target: &url.URL{Scheme: "http", Host: "site.example"}, Connect: time.Second,
			Egress: Egress{Dial: func(context.Context, string) (net.Conn, error) { return nil, err }},
		})
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://site.example/", http.NoBody)
		if _, got := p.RoundTrip(r); PhaseOf(got) != want {
			t.Errorf("%v: %s, want %s", err, PhaseOf(got), want)
		}
	}
}

func TestConnectionsFromABoundAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	for bind, want := range map[string]Phase{"127.0.0.1": "", "no-such-if0": Proxy, "192.0.2.1": Proxy} {
		p := NewPool(Options{Target: s.url(), Connect: time.Second, Egress: Egress{Bind: bind}})
		resp, err := p.RoundTrip(s.request(t, "GET", ""))
		if PhaseOf(err) != want {
			t.Errorf("%s: %v", bind, err)
		} else if err == nil {
			read(t, resp, err)
		}
		p.Close()
	}
}
