//go:build linux

package tunnel

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestSinceDuringAnOutage shows that retries do not change Status.Since.
func TestSinceDuringAnOutage(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	c.Host = freeAddress(t) // no process listens there
	r := open(t, s, c)
	first := r.await(Waiting)
	var later Status
	testhelp.Eventually(t, "it has tried again", func() bool {
		later = r.status()
		return later.State == Waiting && later.NextTry.After(first.NextTry)
	})
	if !later.Since.Equal(first.Since) {
		t.Errorf("it is down since %s, later since %s", first.Since, later.Since)
	}
}

func TestReconnect(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(s *sshdtest.Server){
		"its process is killed":  func(s *sshdtest.Server) { s.Signal(syscall.SIGKILL) },
		"its process is stopped": func(s *sshdtest.Server) { s.Signal(syscall.SIGSTOP) },
		"sshd is restarted": func(s *sshdtest.Server) {
			s.Stop()
			s.Signal(syscall.SIGTERM)
			time.Sleep(300 * time.Millisecond) // some attempts fail
			s.Restart()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sshdtest.Start(t, sshdtest.Options{})
			r := open(t, s, tunnelTo(t, s))
			r.await(Up)
			before := r.site.gone()
			_, lines := r.stream()
			fault(s)
			testhelp.Eventually(t, "the stream in progress is canceled", func() bool { return r.site.gone() > before })
			testhelp.Eventually(t, "its caller gets an error", func() bool { _, err := lines.ReadString('\n'); return err != nil })
			testhelp.Eventually(t, "it has reconnected", func() bool { return r.status().Connects == 2 })
			begun := time.Now()
			testhelp.Eventually(t, "requests are answered again", r.answers)
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("the port was back %s after the connection", took)
			}
			st := r.await(Up)
			if st.LastError != "" || !r.reported("vps waiting: waiting: ") {
				t.Errorf("status %+v", st)
			}
			if name == "its process is stopped" && (!r.reported("stopped responding") || !r.reported("which was ended")) {
				t.Error("the silent connection, or that the port was reclaimed, is not reported")
			}
		})
	}
}

// TestPortHeldBySessionOfEarlierRun shows that a port is reclaimed if the program ended as
// in a power failure, which sshd has not noticed.
func TestPortHeldBySessionOfEarlierRun(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	file := t.TempDir() + "/sessions.json"
	r := prepare(t, s, func(o *Options) { o.Sessions = file })
	r.config = c
	r.Apply([]*config.Tunnel{c})
	r.await(Up)
	var remembered []byte
	testhelp.Eventually(t, "the session is remembered", func() bool {
		remembered, _ = os.ReadFile(file)
		return len(remembered) > 0
	})
	held := s.Sessions()
	s.Signal(syscall.SIGSTOP)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.Shutdown(ctx) // the stopped process does not notice it
	if err := os.WriteFile(file, remembered, 0o600); err != nil {
		t.Fatal(err)
	}
	again := prepare(t, s, func(o *Options) { o.Sessions = file })
	again.config = c
	again.Apply([]*config.Tunnel{c})
	again.await(Up)
	again.mustAnswer()
	if !again.reported("which was ended") {
		t.Error("it is not reported that the port was reclaimed")
	}
	for _, pid := range s.Sessions() {
		for _, old := range held {
			if pid == old {
				t.Errorf("process %d still exists", pid)
			}
		}
	}
}

func TestPortHeldByAnotherProgram(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	other, err := net.Listen("tcp", c.Forwards[0].Address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	c.Forwards = append(c.Forwards, &config.Forward{Address: freeAddress(t)})
	r := open(t, s, c)
	// ss shows the name of this test program.
	r.awaitFault(Degraded, "held by ", fmt.Sprintf("(pid %d)", os.Getpid()), "left alone", strings.TrimPrefix(c.Forwards[0].Address, "127.0.0.1:"))
	st := r.status()
	if st.Forwards[0].State != ForwardRefused || st.Forwards[1].State != ForwardOpen {
		t.Errorf("forwards %+v", st.Forwards)
	}
	if c, err := net.Dial("tcp", c.Forwards[0].Address); err != nil {
		t.Errorf("the other program no longer listens: %v", err)
	} else {
		_ = c.Close()
	}
	_ = other.Close()
	r.await(Up)
	r.mustAnswer()
}

// TestOnlyOwnSessionsAreEnded remembers sessions that match no process, or one with
// another start time.
func TestOnlyOwnSessionsAreEnded(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	other := *c
	other.Name = "other"
	holder := open(t, s, &other) // it has another name, so its session is not remembered for vps
	holder.await(Up)
	pids := s.Sessions()
	file := t.TempDir() + "/sessions.json"
	var list []string
	for _, pid := range pids {
		for _, is := range []string{"(sshd) 1 0", "(sshd) 1 0; touch /tmp/x", fmt.Sprintf("(test) %d 0", pid)} {
			list = append(list, fmt.Sprintf(`{"hostKey":%q,"user":%q,"pid":"%d","is":%q}`, s.Fingerprint(), s.User, pid, is))
		}
	}
	if err := os.WriteFile(file, []byte(`{"vps":[`+strings.Join(list, ",")+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	r := prepare(t, s, func(o *Options) { o.Sessions = file })
	r.config = c
	r.Apply([]*config.Tunnel{c})
	r.awaitFault(Degraded, "held by sshd")
	holder.mustAnswer()
	if holder.status().Connects != 1 {
		t.Error("the other connection was ended")
	}
}

func TestReconnectsLeakNothing(t *testing.T) {
	rounds := uint64(10)
	if testhelp.Soak() {
		rounds = 50
	}
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	c.Reconnect.Max = 100 * time.Millisecond
	r := open(t, s, c)
	round := func(n uint64) {
		testhelp.Eventually(t, "requests are answered", func() bool { return r.status().Connects == n && r.answers() })
		r.client.CloseIdleConnections()
	}
	round(1)
	s.Signal(syscall.SIGKILL)
	round(2) // so that everything that is created once exists
	goroutines, files := settledCounts(t)
	for i := range rounds {
		s.Signal(syscall.SIGKILL)
		round(i + 3)
	}
	testhelp.Eventually(t, "goroutines and files are as many as before", func() bool {
		g, f := count(t)
		if g <= goroutines+2 && f <= files+1 {
			return true
		}
		time.Sleep(100 * time.Millisecond)
		return false
	})
}
