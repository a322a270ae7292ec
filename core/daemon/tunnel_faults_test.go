//go:build linux

package daemon_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// visitor sends requests from the far side of a tunnel, at a steady rate, and
// records the result of each.
type visitor struct {
	client *http.Client
	end    chan struct{}
	wg     sync.WaitGroup

	mu   sync.Mutex
	seen []visit
}

type visit struct {
	begun time.Time
	err   error
}

func visits(w *sshdtest.Network, perSecond int) *visitor {
	v := &visitor{end: make(chan struct{}), client: &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
		MaxIdleConnsPerHost: 20,
		DialContext:         func(_ context.Context, network, address string) (net.Conn, error) { return w.Dial(network, address) },
	}}}
	v.wg.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for {
			select {
			case <-v.end:
				return
			case <-tick.C:
				v.wg.Go(v.visit)
			}
		}
	})
	return v
}

func (v *visitor) visit() {
	x := visit{begun: time.Now()}
	resp, err := v.client.Post("http://127.0.0.1:9000"+chat, "application/json", strings.NewReader(ask))
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d", resp.StatusCode)
		}
	}
	x.err = err
	v.mu.Lock()
	v.seen = append(v.seen, x)
	v.mu.Unlock()
}

// back returns when the first request begun after t was answered, or the time of the
// first of those; zero if there is none yet.
func (v *visitor) back(t time.Time) (first time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, x := range v.seen {
		if x.err == nil && x.begun.After(t) && (first.IsZero() || x.begun.Before(first)) {
			first = x.begun
		}
	}
	return first
}

// failures returns those of requests begun between two times.
func (v *visitor) failures(from, to time.Time) (errs []error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, x := range v.seen {
		if x.err != nil && x.begun.After(from) && x.begun.Before(to) {
			errs = append(errs, x.err)
		}
	}
	return errs
}

func (v *visitor) stop() {
	close(v.end)
	v.wg.Wait()
	v.client.CloseIdleConnections()
}

// fault breaks something and repairs it.
type fault struct {
	name   string
	do     func(*testing.T, *sshdtest.Server, *sshdtest.Network, time.Duration)
	logged string // a part of the message in the log; "": none
}

var faults = []fault{
	{"the child is killed", func(_ *testing.T, s *sshdtest.Server, _ *sshdtest.Network, _ time.Duration) {
		s.Signal(syscall.SIGKILL)
	}, "closed the connection"},
	{"the child is stopped", func(_ *testing.T, s *sshdtest.Server, _ *sshdtest.Network, _ time.Duration) {
		s.Signal(syscall.SIGSTOP)
	}, "stopped responding"},
	{"the link is down", func(_ *testing.T, _ *sshdtest.Server, w *sshdtest.Network, d time.Duration) {
		w.Down()
		time.Sleep(d)
		w.Up()
	}, ""}, // a short gap does not break the connection
	{"sshd is restarted", func(_ *testing.T, s *sshdtest.Server, _ *sshdtest.Network, d time.Duration) {
		s.Stop()
		s.Signal(syscall.SIGTERM)
		time.Sleep(d / 4)
		s.Restart()
	}, "waiting: "},
	{"the port is stolen", func(t *testing.T, s *sshdtest.Server, w *sshdtest.Network, d time.Duration) {
		s.Signal(syscall.SIGKILL)
		var thief net.Listener
		for deadline := time.Now().Add(3 * time.Second); thief == nil && time.Now().Before(deadline); {
			thief, _ = w.Listen("127.0.0.1:9000")
		}
		if thief == nil {
			return // the tunnel got the port first
		}
		go func() {
			for {
				c, err := thief.Accept()
				if err != nil {
					return
				}
				_ = c.Close()
			}
		}()
		time.Sleep(d / 4)
		_ = thief.Close()
	}, ""},
}

// TestFaultsOfTheTunnel: after any fault of the connection, the port on the host is soon
// answered again, the log has the cause, and no goroutine or file is left behind. The long
// form uses the default times.
func TestFaultsOfTheTunnel(t *testing.T) {
	testhelp.Real(t)
	rounds, interval, timeout, longest := len(faults), 500*time.Millisecond, 2*time.Second, 3*time.Second
	shortDown, longDown := time.Second, 4*time.Second
	if testhelp.Soak() {
		rounds, interval, timeout, longest = 30, 5*time.Second, 10*time.Second, 30*time.Second
		shortDown, longDown = 3*time.Second, 20*time.Second
	}
	const slack = 3 * time.Second // for a busy machine
	w := sshdtest.NewNetwork(t)
	s := sshdtest.Start(t, sshdtest.Options{Network: w})
	primary, backup := site(t, "primary"), site(t, "backup")
	primary.Record(false)
	block := fmt.Sprintf("tunnel \"vps\" {\n host = %q\n user = %q\n keepalive {\n interval = %q\n timeout = %q\n }\n reconnect {\n max = %q\n }\n forward \"127.0.0.1:9000\" {}\n}\nlog {\n level = \"info\"\n}\n", s.Addr(), s.User, interval, timeout, longest)
	files := openFiles(t)
	r := startWithHome(t, s.Home, byHand+patient(primary, backup, block))
	r.awaitTunnel("vps", "up")
	limit := longest + interval + timeout + 2*time.Second + slack

	v := visits(w, 50)
	recovered := func(since time.Time) time.Time {
		var back time.Time
		testhelp.Within(t, limit+30*time.Second, "requests are answered", func() bool { back = v.back(since); return !back.IsZero() })
		return back
	}
	recovered(time.Now())
	goroutines := tunnelGoroutines()
	order := make([]fault, 0, rounds)
	for len(order) < rounds {
		for _, i := range rand.Perm(len(faults)) {
			order = append(order, faults[i])
		}
	}
	for i, f := range order[:rounds] {
		logged := len(r.log.String())
		d := shortDown + rand.N(longDown-shortDown)
		f.do(t, s, w, d)
		over := time.Now()
		if f.logged != "" { // a stopped process serves nothing, but a caller may be answered before it stops
			testhelp.Within(t, limit+30*time.Second, "the log has the cause:  "+f.logged, func() bool { return strings.Contains(r.log.String()[logged:], f.logged) })
		}
		r.awaitTunnel("vps", "up")
		back := recovered(over)
		if took := back.Sub(over); took > limit {
			t.Errorf("fault %d, %s: back after %s, and %s is the limit", i+1, f.name, took, limit)
		}
		t.Logf("fault %d, %s: back after %s", i+1, f.name, back.Sub(over).Round(time.Millisecond))
		// From the moment that the tunnel is up, requests are answered again.
		up := time.Now()
		testhelp.Within(t, 30*time.Second, "a second has passed", func() bool { return time.Since(up) > time.Second })
		if errs := v.failures(up.Add(200*time.Millisecond), up.Add(time.Second)); f.logged != "" && len(errs) > 0 {
			t.Errorf("fault %d, %s: %d requests failed after the tunnel was up, the first: %v", i+1, f.name, len(errs), errs[0])
		}
	}
	v.stop()
	testhelp.Within(t, 30*time.Second, fmt.Sprintf("there are no more than the first %d goroutines of the tunnel", goroutines), func() bool { return tunnelGoroutines() <= goroutines })
	r.stop()
	primary.Close()
	backup.Close()
	testhelp.Within(t, 30*time.Second, "no goroutine and no file is left behind", func() bool { return tunnelGoroutines() == 0 && openFiles(t) <= files })
}

// tunnelGoroutines returns the number of goroutines of tunnels.
func tunnelGoroutines() (n int) {
	stacks := make([]byte, 8<<20)
	for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(stack, "/core/tunnel.") || strings.Contains(stack, "/core/sshclient.") || strings.Contains(stack, "golang.org/x/crypto/ssh.") {
			n++
		}
	}
	return n
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
