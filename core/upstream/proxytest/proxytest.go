// Package proxytest is a proxy for tests: SOCKS5 and HTTP on one port.
package proxytest

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Server is a SOCKS5 and HTTP proxy that records its requests. Names below
// site.example resolve to this machine.
type Server struct {
	net.Listener
	User, Password string // required, unless empty
	Reply          byte   // the SOCKS reply to send instead of connecting
	mu             sync.Mutex
	log            []string
}

// New starts a proxy that runs until the test ends.
func New(t testing.TB) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &Server{Listener: l}
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

func (p *Server) wrote(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, fmt.Sprintf(format, args...))
}

// Lines returns the requests to the proxy, such as "SOCKS site.example:80".
func (p *Server) Lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.log)
}

func (p *Server) serve(c net.Conn) {
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

func (p *Server) http(c net.Conn, in *bufio.Reader) {
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.User+":"+p.Password))
		if p.User != "" && r.Header.Get("Proxy-Authorization") != want {
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

func (p *Server) join(c net.Conn, in io.Reader, address, answer string) {
	site, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = site.Close() }()
	_, _ = io.WriteString(c, answer)
	go func() { _, _ = io.Copy(site, in) }()
	_, _ = io.Copy(c, site)
}

func (p *Server) socks(c net.Conn, in *bufio.Reader) {
	b := make([]byte, 300)
	read := func(n int) []byte { _, _ = io.ReadFull(in, b[:n]); return b[:n] }
	methods := slices.Clone(read(int(read(2)[1])))
	if p.User == "" {
		_, _ = c.Write([]byte{5, 0})
	} else {
		if !slices.Contains(methods, 2) {
			_, _ = c.Write([]byte{5, 0xff})
			return
		}
		_, _ = c.Write([]byte{5, 2})
		user := string(read(int(read(2)[1])))
		password := string(read(int(read(1)[0])))
		if user != p.User || password != p.Password {
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
	if p.Reply != 0 {
		_, _ = c.Write([]byte{5, p.Reply, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	if strings.HasPrefix(host, "site.example") {
		address = net.JoinHostPort("127.0.0.1", strings.Split(address, ":")[1])
	}
	p.join(c, in, address, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
}

// URL returns the address of the proxy with a scheme, and a login such as
// "me:secret@".
func (p *Server) URL(scheme, login string) *url.URL {
	u, err := url.Parse(scheme + "://" + login + p.Addr().String())
	if err != nil {
		panic(err)
	}
	return u
}
