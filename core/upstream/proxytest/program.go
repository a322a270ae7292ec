package proxytest

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Program is a real proxy server that is installed on this machine.
type Program struct {
	url  *url.URL
	logs []string // files
}

// configs are the configuration files of programs that need one.
var configs = map[string]string{
	"tinyproxy": `Listen 127.0.0.1
Port PORT
LogLevel Info
LogFile "DIR/log"
PidFile "DIR/pid"
Timeout 60
BasicAuth me secret
`,
	"danted": `logoutput: DIR/log
internal: 127.0.0.1 port = PORT
external: lo
socksmethod: none
clientmethod: none
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 log: connect }
`,
}

// Start runs a program until the test ends. microsocks (SOCKS5) and tinyproxy (HTTP)
// require the user "me" with the password "secret", danted (SOCKS5) requires no login.
func Start(t testing.TB, name string) *Program {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + name); err != nil {
			t.Skipf("%s is not installed: run tools/test-deps", name)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	address := l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	dir := t.TempDir()
	output, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = output.Close() }()
	file := filepath.Join(dir, "config")
	text := strings.NewReplacer("DIR", dir, "PORT", port).Replace(configs[name])
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := map[string][]string{
		"microsocks": {"-i", "127.0.0.1", "-p", port, "-u", "me", "-P", "secret"},
		"tinyproxy":  {"-d", "-c", file},
		"danted":     {"-f", file},
	}[name]
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &Program{url: &url.URL{Host: address}, logs: []string{output.Name(), filepath.Join(dir, "log")}}
	t.Cleanup(func() {
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s logged: %.4000s", name, p.Log())
		}
	})
	for range 1000 {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = c.Close()
			return p
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s does not listen", name)
	return nil
}

// Log returns what the program has logged.
func (p *Program) Log() string {
	var all strings.Builder
	for _, file := range p.logs {
		b, _ := os.ReadFile(file) // not every program writes both
		all.Write(b)
	}
	return all.String()
}

// URL returns the address of the proxy with a scheme, and a login such as
// "me:secret@".
func (p *Program) URL(scheme, login string) *url.URL {
	u, err := url.Parse(scheme + "://" + login + p.url.Host)
	if err != nil {
		panic(err)
	}
	return u
}
