//go:build linux

package tunnel

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// slowUplink is a tunnel over a link of 1.2 Mbit/s to a host that is 40 ms away.
func slowUplink(t *testing.T) (*rig, *sshdtest.Network) {
	t.Helper()
	w := sshdtest.NewNetwork(t)
	s := sshdtest.Start(t, sshdtest.Options{Network: w})
	w.Shape("1.2mbit")
	c := tunnelTo(t, s)
	c.Keepalive = config.Keepalive{Interval: time.Second, Timeout: 10 * time.Second}
	c.Host = delayInside(t, w, s.Addr(), 20*time.Millisecond)
	c.HostKey = s.Fingerprint()
	c.Forwards = []*config.Forward{{Address: "127.0.0.1:9000"}}
	r := prepare(t, s, func(o *Options) {
		o.Server = func(h http.Handler) Server { return &http.Server{Handler: h, ReadHeaderTimeout: time.Minute} }
	})
	r.config = c
	r.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		MaxIdleConnsPerHost: 20,
		DialContext:         func(_ context.Context, network, address string) (net.Conn, error) { return w.Dial(network, address) },
	}}
	r.Apply([]*config.Tunnel{c})
	r.await(Up)
	return r, w
}

// delayInside is a relay on the far side of a link that passes bytes on later.
func delayInside(t *testing.T, w *sshdtest.Network, to string, delay time.Duration) string {
	t.Helper()
	l, err := w.Listen(net.JoinHostPort(w.Inner, "2200"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go passOn(l, func() (net.Conn, error) { return w.Dial("tcp", to) }, delay)
	return l.Addr().String()
}

// figures are those of small answers beside two large ones.
type figures struct {
	took    []time.Duration // of small answers, sorted
	carried float64         // of the large ones, in bits per second
}

// measure asks for small answers beside two large ones for some seconds.
func measure(t *testing.T, client *http.Client) (f figures) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var bulk atomic.Int64
	var transfers sync.WaitGroup
	for range 2 {
		transfers.Go(func() {
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:9000/bulk", nil)
			resp, err := client.Do(req)
			if err != nil {
				return
			}
			defer func() { _ = resp.Body.Close() }()
			for buffer := make([]byte, 4096); ; {
				n, err := resp.Body.Read(buffer)
				bulk.Add(int64(n))
				if err != nil {
					return
				}
			}
		})
	}
	testhelp.Within(t, time.Minute, "the large answers flow", func() bool { return bulk.Load() > 200<<10 })
	length := 8 * time.Second
	if testhelp.Soak() {
		length = 10 * time.Minute
	}
	before, started := bulk.Load(), time.Now()
	for time.Since(started) < length {
		begun := time.Now()
		resp, err := client.Get("http://127.0.0.1:9000/hello")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		f.took = append(f.took, time.Since(begun))
		time.Sleep(100 * time.Millisecond)
	}
	f.carried = float64(bulk.Load()-before) * 8 / time.Since(started).Seconds()
	cancel()
	transfers.Wait()
	slices.Sort(f.took)
	return f
}

func (f figures) at(percent int) time.Duration { return f.took[len(f.took)*percent/100] }

func (f figures) String() string {
	return fmt.Sprintf("%d small answers: median %s, p90 %s, p99 %s; large ones %.2f Mbit/s", len(f.took), f.at(50), f.at(90), f.at(99), f.carried/1e6)
}

// TestASlowUplink: beside large answers small ones are quick, and the line is
// used. The times are those of the line: with everything in one queue a small
// answer would take more than 8 seconds. The same over ssh -R is measured beside it.
func TestASlowUplink(t *testing.T) {
	testhelp.Real(t)
	r, _ := slowUplink(t)
	ours := measure(t, r.client)
	t.Logf("ours:   %s", ours)
	if ours.at(99) > time.Second {
		t.Errorf("the slowest of a hundred small answers takes %s", ours.at(99))
	}
	if ours.carried < 0.9*1.2e6 { // the rest are headers of packets
		t.Errorf("the line carries %.2f of 1.2 Mbit/s", ours.carried/1e6)
	}
	if r.status().Connects != 1 {
		t.Error("the connection broke")
	}
	r.Shutdown(canceled())
	theirs := measure(t, sshUplink(t, r))
	t.Logf("ssh -R: %s", theirs)
	if ours.at(50) > theirs.at(50) {
		t.Errorf("a small answer takes %s, and %s over ssh -R", ours.at(50), theirs.at(50))
	}
}

// canceled is a context without time.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// sshUplink has ssh -R open the port in place of the tunnel, with a plain server
// behind it.
func sshUplink(t *testing.T, r *rig) *http.Client {
	t.Helper()
	ssh := sshdtest.Require(t, "ssh", "openssh-client")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: r.site}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	host, port, _ := net.SplitHostPort(r.config.Host)
	c := exec.Command(ssh, "-F", "none", "-N", "-R", "127.0.0.1:9000:"+l.Addr().String(), "-p", port, "-i", r.server.Home+"/.ssh/id_ed25519",
		"-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes", r.server.User+"@"+host)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	r.client.CloseIdleConnections()
	testhelp.Eventually(t, "ssh -R has opened the port", func() bool {
		resp, err := r.client.Get("http://127.0.0.1:9000/hello")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
	return r.client
}

// passOn connects what comes to elsewhere, and passes bytes on after a delay.
func passOn(l net.Listener, dial func() (net.Conn, error), delay time.Duration) {
	type piece struct {
		at   time.Time
		data []byte
	}
	pass := func(from, to net.Conn) {
		queue := make(chan piece, 10000)
		go func() {
			defer func() { _ = to.Close() }()
			for p := range queue {
				time.Sleep(time.Until(p.at))
				_, _ = to.Write(p.data) // the end is seen by the reader
			}
		}()
		defer close(queue)
		for buffer := make([]byte, 32<<10); ; {
			n, err := from.Read(buffer)
			if err != nil {
				return
			}
			queue <- piece{time.Now().Add(delay), slices.Clone(buffer[:n])}
		}
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		far, err := dial()
		if err != nil {
			_ = c.Close()
			continue
		}
		go pass(c, far)
		go pass(far, c)
	}
}

// TestARelayThatReadsSlowly, as an antivirus or a VPN: data flow, so the
// connection stays, however small the window of its reader is.
func TestARelayThatReadsSlowly(t *testing.T) {
	testhelp.Real(t)
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", s.Addr())
			if err != nil {
				_ = c.Close()
				continue
			}
			_ = c.(*net.TCPConn).SetReadBuffer(8 << 10)
			go func() {
				defer func() { _ = far.Close() }()
				for buffer := make([]byte, 4<<10); ; {
					n, err := c.Read(buffer)
					if err != nil {
						return
					}
					_, _ = far.Write(buffer[:n])
					time.Sleep(30 * time.Millisecond)
				}
			}()
			go func() {
				_, _ = io.Copy(c, far)
				_ = c.Close()
			}()
		}
	}()
	c := tunnelTo(t, s)
	c.Host, c.HostKey = l.Addr().String(), s.Fingerprint()
	r := open(t, s, c)
	r.await(Up)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 2 {
		go func() {
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Forwards[0].Address+"/bulk", nil)
			resp, err := r.client.Do(req)
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		}()
	}
	for deadline := time.Now().Add(6 * c.Keepalive.Timeout); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if st := r.status(); st.Connects != 1 || st.State != Up {
			t.Fatalf("the connection broke: %+v", st)
		}
	}
}
