//go:build linux

package tunnel

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

func TestRequests(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	r := open(t, s, tunnelTo(t, s))
	st := r.await(Up)
	if st.Probe <= 0 || st.Forwards[0].State != ForwardOpen || st.Forwards[0].Remote != r.config.Forwards[0].Address || len(st.Notes) > 0 || st.User != s.User {
		t.Errorf("status %+v", st)
	}
	r.mustAnswer()

	t.Run("a large body is echoed unchanged", func(t *testing.T) {
		body := make([]byte, 8<<20)
		_, _ = rand.Read(body)
		resp, err := r.client.Post("http://"+r.config.Forwards[0].Address+"/echo", "", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if back, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(back, body) {
			t.Errorf("%d bytes came back: %v", len(back), err)
		}
	})
	t.Run("the protocol is upgraded", func(t *testing.T) {
		c, err := net.Dial("tcp", r.config.Forwards[0].Address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(waitLimit))
		_, _ = io.WriteString(c, "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		in := bufio.NewReader(c)
		if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%v, %v", resp, err)
		}
		_, _ = io.WriteString(c, "ping\n")
		if line, err := in.ReadString('\n'); err != nil || line != "ping\n" {
			t.Errorf("%q, %v", line, err)
		}
	})
	t.Run("a caller that disconnects is noticed", func(t *testing.T) {
		before := r.site.gone()
		body, _ := r.stream()
		_ = body.Close()
		begun := time.Now()
		testhelp.Eventually(t, "the stream is canceled here", func() bool { return r.site.gone() > before })
		if took := time.Since(begun); took > time.Second {
			t.Errorf("it took %s", took)
		}
	})
	t.Run("a caller with a slow header is disconnected", func(t *testing.T) {
		c, err := net.Dial("tcp", r.config.Forwards[0].Address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_, _ = io.WriteString(c, "GET /hello HTTP/1.1\r\nHost: x\r\n") // without its end
		begun := time.Now()
		_ = c.SetReadDeadline(time.Now().Add(waitLimit))
		if _, err := io.ReadAll(c); err != nil {
			t.Errorf("it is not disconnected within %s: %v", time.Since(begun), err)
		}
		if took := time.Since(begun); took < 300*time.Millisecond {
			t.Errorf("it was disconnected after only %s", took)
		}
	})
	if st := r.status(); st.Accepted < 4 || st.In < 8<<20 || st.Out < 8<<20 || st.Connects != 1 {
		t.Errorf("counters %+v", st)
	}
}

func TestUnixSocketForward(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	path := filepath.Join(t.TempDir(), "a.sock")
	c.Forwards = []*config.Forward{{Address: "unix:" + path}}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) },
	}}
	answers := func() bool {
		resp, err := client.Get("http://x/hello")
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		return err == nil && string(b) == "hello"
	}
	r := open(t, s, c)
	r.await(Up)
	if !answers() {
		t.Error("no answer by the socket")
	}
	// sshd leaves the file of a lost session, and cannot listen there again.
	s.Signal(9)
	testhelp.Eventually(t, "the socket answers again", func() bool { return r.status().Connects == 2 && answers() })
	r.Apply(nil)
	testhelp.Eventually(t, "the file is removed when the tunnel stops", func() bool {
		found, _ := filepath.Glob(path)
		return len(found) == 0
	})
}

func TestPortChosenByHost(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	c.Forwards = []*config.Forward{{Address: "127.0.0.1:0"}, {Address: "127.0.0.1:0", Channel: &config.Channel{Name: "alone"}}}
	r := open(t, s, c)
	st := r.await(Up)
	for i, want := range []string{"hello", "alone"} {
		resp, err := r.client.Get("http://" + st.Forwards[i].Remote + "/hello")
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(b) != want {
			t.Errorf("%s answers %q", st.Forwards[i].Remote, b)
		}
	}
}

// TestHostWithoutCommands shows that a tunnel works without sessions, with a note about
// the delay of small packets and about lost connections.
func TestHostWithoutCommands(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]sshdtest.Options{
		"no sessions":     {Config: "MaxSessions 0\n"},
		"another command": {KeyOptions: `restrict,port-forwarding,permitlisten="127.0.0.1:*",command="/bin/true"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sshdtest.Start(t, o)
			r := open(t, s, tunnelTo(t, s))
			st := r.await(Up)
			r.mustAnswer()
			testhelp.Eventually(t, "there is a note", func() bool { st = r.status(); return len(st.Notes) == 1 })
			if !strings.Contains(st.Notes[0], "ClientAliveInterval") {
				t.Errorf("notes %q", st.Notes)
			}
			if slow := strings.Contains(st.Notes[0], "40 ms"); slow != (name == "no sessions") {
				t.Errorf("note %q", st.Notes[0])
			}
		})
	}
}

// TestUncheckedForward shows that a forward that cannot be checked is open, with a note.
func TestUncheckedForward(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{Config: "AllowTcpForwarding remote\n"})
	r := open(t, s, tunnelTo(t, s))
	st := r.await(Up)
	if len(st.Notes) != 1 || !strings.Contains(st.Notes[0], "not checked") || !strings.Contains(st.Notes[0], "AllowTcpForwarding yes") || st.Probe != 0 {
		t.Errorf("%+v", st)
	}
	if !r.reported("(not checked)") {
		t.Error("it is not reported")
	}
	r.mustAnswer()
}

// TestLeastPrivileges uses the line of authorized_keys in docs/vps.md.
func TestLeastPrivileges(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	_, port, _ := net.SplitHostPort(c.Forwards[0].Address)
	s.Authorize(fmt.Sprintf(`restrict,port-forwarding,permitlisten="127.0.0.1:%s",permitopen="127.0.0.1:%s"`, port, port), s.Key.PublicKey())
	r := open(t, s, c)
	if st := r.await(Up); len(st.Notes) > 0 || st.Probe == 0 {
		t.Errorf("status %+v", st)
	}
	r.mustAnswer()
	// A port that the line does not name is refused, and the other one keeps working.
	more := *c
	more.Forwards = append(more.Forwards, &config.Forward{Address: freeAddress(t)})
	r.Apply([]*config.Tunnel{&more})
	r.awaitFault(Degraded, more.Forwards[1].Address, "forbid")
	r.mustAnswer()
}

// TestSocketOfAnotherProgram uses a key that may not connect to sockets, so that sshd reports
// a socket in use like one without a listener. The socket is left alone as long as a
// program listens on it; afterwards it is replaced, and not checked.
func TestSocketOfAnotherProgram(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{KeyOptions: `restrict,port-forwarding,permitopen="127.0.0.1:1"`})
	path := filepath.Join(t.TempDir(), "a socket")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	c := tunnelTo(t, s)
	c.Forwards = []*config.Forward{{Address: "unix:" + path}}
	r := open(t, s, c)
	r.awaitFault(Degraded, "refused to open the socket "+path, "a file of that name exists already")
	if conn, err := net.Dial("unix", path); err != nil {
		t.Errorf("the other program's socket was removed: %v", err)
	} else {
		_ = conn.Close()
	}
	_ = l.Close()
	st := r.await(Up)
	if len(st.Notes) != 1 || !strings.Contains(st.Notes[0], "unix:"+path+" is open, but not checked") || !strings.Contains(st.Notes[0], "AllowStreamLocalForwarding") {
		t.Errorf("the notes are %q", st.Notes)
	}
}
