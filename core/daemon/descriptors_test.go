//go:build unix

package daemon_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// With 256 descriptors and 500 idle callers, requests are answered, and no channel fails
// because this machine has no descriptors.
func TestRequestsWithFewDescriptors(t *testing.T) {
	if target := os.Getenv("AITUNNEL_TEST_TARGET"); target != "" {
		r := start(t, fmt.Sprintf("channel \"only\" {\n target = %q\n keys = [\"key-only-1\"]\n}\n", target))
		_, _ = fmt.Println("ADDRESS", r.ProxyAddr())
		_, _ = io.Copy(io.Discard, os.Stdin)
		if c := r.channel("only"); c.Out != "" || c.Stats.FailCount > 0 {
			_, _ = fmt.Println("BLAMED", c.Out, *c.Stats.LastError)
		}
		_, _ = fmt.Println("END")
		return
	}
	s := site(t, "only")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", `ulimit -n 256; exec "$0" -test.run '^TestRequestsWithFewDescriptors$'`, self)
	cmd.Env = append(os.Environ(), "AITUNNEL_TEST_TARGET="+s.URL())
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGQUIT) } // prints the stacks if it hangs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	address := ""
	for address == "" && lines.Scan() {
		address, _ = strings.CutPrefix(lines.Text(), "ADDRESS ")
		if !strings.Contains(address, ":") {
			address = ""
		}
	}
	if address == "" {
		t.Fatal("the program did not start")
	}
	for range 500 {
		c, err := net.DialTimeout("tcp", address, 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		// After a request, a connection is kept for minutes.
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(c, "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
			t.Fatalf("%v, %v", resp, err)
		}
	}
	caller := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for i := range 40 {
		resp, err := caller.Post("http://"+address+chat, "application/json", strings.NewReader(ask))
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("request %d: %d", i, resp.StatusCode)
		}
	}
	_ = in.Close()
	text := ""
	for lines.Scan() && lines.Text() != "END" {
		text += lines.Text() + "\n"
	}
	if strings.Contains(text, "BLAMED") {
		t.Error(text)
	}
	_ = cmd.Wait()
}
