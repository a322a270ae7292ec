package upstream

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// The servers close idle connections after about the length of the callers' pauses, and
// HTTP/2 connections after five requests. Each logs the requests that it answered.
const (
	nginxConfig = `daemon off; master_process off; pid DIR/pid; error_log DIR/error.log;
events { worker_connections 512; }
http {
  log_format uri '$request_uri'; access_log DIR/access.log uri;
  client_body_temp_path DIR/a; proxy_temp_path DIR/b; fastcgi_temp_path DIR/c; uwsgi_temp_path DIR/d; scgi_temp_path DIR/e;
  server {
    listen 127.0.0.1:PORT LISTEN; server_name localhost; SECURE
    keepalive_requests 5; keepalive_timeout 1s;
    location / { return 200 "ok"; }
  }
}
`
	// If two threads log at the same time, HAProxy drops a line.
	haproxyConfig = `global
  nbthread 1
  log DIR/log local0
  log stderr format raw local0
defaults
  mode http
  log global
  log-format "%HP%HQ"
  timeout client 10s
  timeout http-request 10s
  timeout http-keep-alive 50ms
frontend site
  bind 127.0.0.1:PORT SECURE
  http-request return status 200 content-type text/plain string ok
`
	caddyConfig = `{
  admin off
  auto_https off
  skip_install_trust
  servers { 
    timeouts { 
      idle IDLE
    }
  }
}
SCHEME://localhost:PORT {
  bind 127.0.0.1
  SECURE
  log { 
    output file DIR/access.log
  }
  respond "ok"
}
`
)

// TestRealServers sends POST requests to servers that close connections just when they are
// used: none fails, and by the servers' logs none arrives twice.
func TestRealServers(t *testing.T) {
	t.Parallel()
	requests := 400
	if os.Getenv("AITUNNEL_SOAK") != "" {
		requests = 100_000
	}
	for _, name := range []string{"nginx", "haproxy", "caddy"} {
		for _, secure := range []bool{false, true} {
			kind := "HTTP/1.1"
			if secure {
				kind = "HTTP/2"
			}
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				p, log := startServer(t, name, secure)
				deliver(t, p, requests, kind)
				counted(t, log, requests)
			})
		}
	}
}

// deliver sends requests, with pauses about as long as the servers keep connections: short
// ones of single callers, and long ones of all.
func deliver(t *testing.T, p *Pool, requests int, kind string) {
	t.Helper()
	const rounds = 100
	size := max(100, requests/rounds)
	for from := 0; from < requests; from += size {
		if from > 0 {
			time.Sleep(980*time.Millisecond + mathrand.N(25*time.Millisecond))
		}
		deliverSome(t, p, from, from+size, kind)
	}
}

func deliverSome(t *testing.T, p *Pool, from, to int, kind string) {
	t.Helper()
	const callers = 8
	var all sync.WaitGroup
	body := []byte(strings.Repeat("x", 2000))
	for c := range callers {
		all.Go(func() {
			for i := from + c; i < to; i += callers {
				if mathrand.N(40) == 0 {
					time.Sleep(mathrand.N(120 * time.Millisecond))
				}
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("%s://%s/r%d.", p.options.Target.Scheme, p.options.Target.Host, i), bytes.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				resp, err := p.Do(r, Call{Body: again(body)})
				// On a busy machine even a new connection can be closed before it is used.
				for range 10 {
					if PhaseOf(err) != Stale {
						break
					}
					r.Body = again(body).NewBody()
					resp, err = p.Do(r, Call{Fresh: true, Body: again(body)})
				}
				if err != nil {
					t.Errorf("request %d: %v", i, err)
					return
				}
				b, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || string(b) != "ok" || !strings.HasPrefix(resp.Proto, kind) {
					t.Errorf("request %d: %s %d %q, %v", i, resp.Proto, resp.StatusCode, b, err)
					return
				}
			}
		})
	}
	all.Wait()
}

type again []byte

func (b again) NewBody() io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }

var logged = regexp.MustCompile(`/r(\d+)\.`)

// counted fails unless each request is in the log once.
func counted(t *testing.T, log func() string, requests int) {
	t.Helper()
	seen := map[string]int{}
	testhelp.Poll(30*time.Second, func() bool {
		clear(seen)
		for _, m := range logged.FindAllStringSubmatch(log(), -1) {
			seen[m[1]]++
		}
		return len(seen) >= requests
	})
	if len(seen) < requests {
		t.Errorf("%d of %d requests are in the log", len(seen), requests)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("request %s arrived %d times", id, n)
		}
	}
}

// startServer runs one of the servers and returns a pool to it, and its log.
func startServer(t *testing.T, name string, secure bool) (*Pool, func() string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + name); err != nil {
			t.Skipf("%s is not installed: run tools/test-deps", name)
		}
	}
	dir := t.TempDir()
	roots := writeCertificate(t, dir)
	port := freePort(t)
	scheme := "http"
	if secure {
		scheme = "https"
	}
	config, args := serverConfig(name, secure)
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(strings.NewReplacer("DIR", dir, "PORT", port, "SCHEME", scheme).Replace(config)), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(dir, name)) // not every server writes both
		return string(b)
	}
	// A file, not a pipe: HAProxy drops lines when a pipe is full.
	out, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, append(args, file)...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })
	address := net.JoinHostPort("localhost", port)
	testhelp.Eventually(t, name+" listens", func() bool {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	p := NewPool(Options{Target: &url.URL{Scheme: scheme, Host: address}, Connect: 20 * time.Second, Roots: roots})
	t.Cleanup(p.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s printed: %.2000s", name, read("output"))
		}
	})
	return p, func() string {
		return read("access.log") + read("output") // HAProxy writes only the second
	}
}

func serverConfig(name string, secure bool) (config string, args []string) {
	fill := func(config, plain, secured string) string {
		if secure {
			plain = secured
		}
		return strings.ReplaceAll(config, "SECURE", plain)
	}
	switch name {
	case "nginx":
		listen := ""
		if secure {
			listen = "ssl http2"
		}
		return strings.ReplaceAll(fill(nginxConfig, "", "ssl_certificate DIR/site.pem; ssl_certificate_key DIR/site.pem;"), "LISTEN", listen), []string{"-c"}
	case "haproxy":
		return strings.Replace(fill(haproxyConfig, "", "ssl crt DIR/site.pem alpn h2,http/1.1"), "  log DIR/log local0\n", "", 1), []string{"-db", "-f"}
	}
	idle := "50ms"
	if secure {
		idle = "1s"
	}
	return fill(strings.Replace(caddyConfig, "IDLE", idle, 1), "", "tls DIR/site.pem DIR/site.pem"), []string{"run", "--adapter", "caddyfile", "--config"}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// writeCertificate writes one for localhost, with its key.
func writeCertificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	if err := os.WriteFile(filepath.Join(dir, "site.pem"), both, 0o600); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(cert)
	return roots
}
