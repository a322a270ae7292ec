package upstream

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
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
	"sync"
	"testing"
	"time"
)

// proxyServer is a SOCKS5 and HTTP proxy with a log.
type proxyServer struct {
	net.Listener
	user, password string
	reply          byte // of SOCKS, in place of a connection
	mu             sync.Mutex
	log            []string
}

func newProxyServer(t *testing.T) *proxyServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &proxyServer{Listener: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *proxyServer) wrote(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, fmt.Sprintf(format, args...))
}

func (p *proxyServer) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.log)
}

func (p *proxyServer) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	first, err := in.Peek(1)
	switch {
	case err != nil:
	case first[0] == 5:
		p.socks(c, in)
	default:
		p.http(c, in)
	}
}

func (p *proxyServer) http(c net.Conn, in *bufio.Reader) {
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password))
		if p.user != "" && r.Header.Get("Proxy-Authorization") != want {
			_, _ = io.WriteString(c, "HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n")
			return
		}
		if r.Method == http.MethodConnect {
			p.wrote("CONNECT %s", r.Host)
			p.join(c, in, r.Host, "HTTP/1.1 200 OK\r\n\r\n")
			return
		}
		p.wrote("%s %s", r.Method, r.RequestURI)
		r.Header.Del("Proxy-Authorization")
		r.RequestURI = ""
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			_, _ = io.WriteString(c, "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")
			return
		}
		_ = resp.Write(c)
		_ = resp.Body.Close()
	}
}

func (p *proxyServer) join(c net.Conn, in io.Reader, address, answer string) {
	site, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = site.Close() }()
	_, _ = io.WriteString(c, answer)
	go func() { _, _ = io.Copy(site, in) }()
	_, _ = io.Copy(c, site)
}

func (p *proxyServer) socks(c net.Conn, in *bufio.Reader) {
	b := make([]byte, 300)
	read := func(n int) []byte { _, _ = io.ReadFull(in, b[:n]); return b[:n] }
	methods := slices.Clone(read(int(read(2)[1])))
	if p.user == "" {
		_, _ = c.Write([]byte{5, 0})
	} else {
		if !slices.Contains(methods, 2) {
			_, _ = c.Write([]byte{5, 0xff})
			return
		}
		_, _ = c.Write([]byte{5, 2})
		user := string(read(int(read(2)[1])))
		password := string(read(int(read(1)[0])))
		if user != p.user || password != p.password {
			_, _ = c.Write([]byte{1, 1})
			return
		}
		_, _ = c.Write([]byte{1, 0})
	}
	host := ""
	switch read(4)[3] {
	case 1:
		host = netip.AddrFrom4([4]byte(read(4))).String()
	case 3:
		host = string(read(int(read(1)[0])))
	case 4:
		host = netip.AddrFrom16([16]byte(read(16))).String()
	}
	address := net.JoinHostPort(host, fmt.Sprint(binary.BigEndian.Uint16(read(2))))
	p.wrote("SOCKS %s", address)
	if p.reply != 0 {
		_, _ = c.Write([]byte{5, p.reply, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	if strings.HasPrefix(host, "site.example") {
		address = net.JoinHostPort("127.0.0.1", strings.Split(address, ":")[1])
	}
	p.join(c, in, address, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
}

func (p *proxyServer) url(scheme, user string) *url.URL {
	u, err := url.Parse(scheme + "://" + user + p.Addr().String())
	if err != nil {
		panic(err)
	}
	return u
}

func TestProxies(t *testing.T) {
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
		"http, with the whole URL":    {scheme: "http", login: "me:secret@", host: "127.0.0.1", want: "POST http://127.0.0.1:" + port + "/v1"},
		"http, wrong password":        {scheme: "http", login: "me:wrong@", host: "127.0.0.1", phase: Proxy},
		"socks5 resolves here":        {scheme: "socks5", login: "me:secret@", host: "site.example", want: "SOCKS 127.0.0.1:" + port, resolves: true},
		"socks5h resolves there":      {scheme: "socks5h", login: "me:secret@", host: "site.example", want: "SOCKS site.example:" + port},
		"socks5, no password":         {scheme: "socks5", host: "127.0.0.1", phase: Proxy},
		"socks5, wrong password":      {scheme: "socks5", login: "me:wrong@", host: "127.0.0.1", phase: Proxy},
		"socks5, not allowed":         {scheme: "socks5", login: "me:secret@", host: "127.0.0.1", reply: 2, phase: Proxy},
		"socks5, the site refuses":    {scheme: "socks5", login: "me:secret@", host: "127.0.0.1", reply: 5, phase: Connect},
		"socks5, an unknown address":  {scheme: "socks5", login: "me:secret@", host: "::1", reply: 3, phase: Connect},
		"an http proxy taken for one": {scheme: "https", host: "127.0.0.1", phase: Proxy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := newProxyServer(t)
			proxy.user, proxy.password, proxy.reply = "me", "secret", tt.reply
			p := NewPool(Options{
				Target: &url.URL{Scheme: "http", Host: net.JoinHostPort(tt.host, port)}, Connect: 5 * time.Second,
				Egress: Egress{Proxy: proxy.url(tt.scheme, tt.login)},
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
			if got := proxy.lines(); !slices.Equal(got, []string{tt.want}) {
				t.Errorf("the proxy logged %q, want %q", got, tt.want)
			}
			if resolved != tt.resolves {
				t.Errorf("a name was resolved here: %v", resolved)
			}
		})
	}
}

// TLS goes through a proxy unseen.
func TestProxyAndTLS(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "socks5", "socks5h"} {
		for _, http2 := range []bool{false, true} {
			p, server := secureSite(t, http2, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.Proto) }))
			proxy := newProxyServer(t)
			p.options.Egress.Proxy = proxy.url(scheme, "")
			for range 2 {
				r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := p.RoundTrip(r)
				if got := read(t, resp, err); http2 != (got == "HTTP/2.0") {
					t.Errorf("%s: %s", scheme, got)
				}
			}
			if got := proxy.lines(); len(got) != 1 || !strings.HasSuffix(got[0], strings.TrimPrefix(server.URL, "https://")) {
				t.Errorf("%s: %q", scheme, got)
			}
		}
	}
}

// A proxy that speaks TLS itself.
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
	proxy := newProxyServer(t)
	_ = proxy.Close()
	s := newSite(t, good)
	for _, scheme := range []string{"http", "https", "socks5", "socks5h"} {
		p := NewPool(Options{Target: s.url(), Connect: time.Second, Egress: Egress{Proxy: proxy.url(scheme, "")}})
		_, err := p.RoundTrip(s.request(t, "GET", ""))
		if PhaseOf(err) != Proxy {
			t.Errorf("%s: %v", scheme, err)
		}
		p.Close()
	}
}

// A dialer's own errors are the egress's, unless it says otherwise.
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

func TestBind(t *testing.T) {
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
