//go:build linux

package tunnel

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/linktest"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// distant returns a tunnel over a link to a host that is 40 ms away, there and back.
// Requests are sent from there.
func distant(t *testing.T, l linktest.Link) *rig {
	t.Helper()
	l.Delay = 20 * time.Millisecond
	w := sshdtest.NewNetwork(t, l)
	s := sshdtest.Start(t, sshdtest.Options{Network: w})
	c := tunnelTo(t, s)
	c.Keepalive = config.Keepalive{Interval: time.Second, Timeout: 10 * time.Second}
	c.Forwards = []*config.Forward{{Address: "127.0.0.1:9000"}}
	r := prepare(t, s, patientServer)
	r.config = c
	r.client = &http.Client{Timeout: 20 * time.Minute, Transport: &http.Transport{
		MaxIdleConnsPerHost: 20,
		DialContext:         func(_ context.Context, network, address string) (net.Conn, error) { return w.Dial(network, address) },
	}}
	r.Apply([]*config.Tunnel{c})
	r.await(Up)
	return r
}

// patientServer sets long timeouts, for requests that take long to arrive.
func patientServer(o *Options) {
	o.Server = func(h http.Handler) Server { return &http.Server{Handler: h, ReadHeaderTimeout: time.Minute} }
}

// TestSlowUplink shows that small answers are fast while two large ones use 95 % of what
// TCP can carry, which is 96.5 % of the rate. With everything in one queue a small answer
// would take more than 8 seconds at 1.2 Mbit/s. make bench compares this with ssh -R.
func TestSlowUplink(t *testing.T) {
	testhelp.Real(t)
	for name, c := range map[string]struct {
		link   linktest.Link
		least  float64       // of what TCP can carry; a faster line waits for a busy machine more often
		length time.Duration // in the long form
	}{
		"1.2 Mbit/s":        {linktest.Link{Rate: 1.2e6}, 0.95, 10 * time.Minute},
		"1.2 Mbit/s, cubic": {linktest.Link{Rate: 1.2e6, Congestion: "cubic"}, 0.95, time.Minute},
		"10 Mbit/s":         {linktest.Link{Rate: 10e6}, 0.85, time.Minute},
		"10 Mbit/s, cubic":  {linktest.Link{Rate: 10e6, Congestion: "cubic"}, 0.85, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			r := distant(t, c.link)
			if !testhelp.Soak() {
				c.length = 8 * time.Second
			}
			got, err := linktest.Measure(t.Context(), r.client, "127.0.0.1:9000", c.length)
			if err != nil {
				t.Fatal(err)
			}
			share := got.Bulk / c.link.Payload()
			t.Logf("%s, %.1f %% of what TCP can carry", got, 100*share)
			if got.At(99) > time.Second {
				t.Errorf("the slowest of a hundred small answers takes %s", got.At(99))
			}
			if share < c.least {
				t.Errorf("the large answers carry %.1f %% of what TCP can", 100*share)
			}
			if r.status().Connects != 1 {
				t.Error("the connection broke")
			}
		})
	}
}

// TestLossyLink shows that a large body arrives complete over a distant link that loses
// packets, and that the connection stays up.
func TestLossyLink(t *testing.T) {
	t.Parallel()
	r := distant(t, linktest.Link{Loss: 0.02})
	body := make([]byte, 1<<20)
	_, _ = rand.Read(body)
	resp, err := r.client.Post("http://127.0.0.1:9000/echo", "", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if back, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(back, body) {
		t.Errorf("%d of %d bytes came back: %v", len(back), len(body), err)
	}
	if r.status().Connects != 1 {
		t.Error("the connection broke")
	}
}

// passOn connects each accepted connection to another, and forwards bytes after a delay.
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
				_, _ = to.Write(p.data) // the reader notices the end
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

// slowRelay forwards what a client sends in pieces, with pauses, and has a small window.
func slowRelay(t *testing.T, to string, piece int, pause time.Duration) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var passing sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		_ = l.Close()
		cancel()
		passing.Wait()
	})
	passing.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = c.Close()
				continue
			}
			context.AfterFunc(ctx, func() { _, _ = c.Close(), far.Close() })
			_ = c.(*net.TCPConn).SetReadBuffer(8 << 10)
			passing.Go(func() {
				defer func() { _ = far.Close() }()
				for buffer := make([]byte, piece); ; time.Sleep(pause) {
					n, err := c.Read(buffer)
					if err != nil {
						return
					}
					_, _ = far.Write(buffer[:n])
				}
			})
			passing.Go(func() {
				_, _ = io.Copy(c, far)
				_ = c.Close()
			})
		}
	})
	return l.Addr().String()
}

// TestSlowRelay uses a relay such as an antivirus or a VPN. Since data flow, the
// connection stays up however small the relay's window is, and small answers arrive.
func TestSlowRelay(t *testing.T) {
	testhelp.Real(t)
	t.Parallel()
	for name, c := range map[string]struct {
		piece int
		pause time.Duration
	}{
		"a little at a time": {4 << 10, 30 * time.Millisecond},
		"with long pauses":   {64 << 10, 300 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sshdtest.Start(t, sshdtest.Options{})
			tunnel := tunnelTo(t, s)
			length := 6 * tunnel.Keepalive.Timeout
			if testhelp.Soak() {
				tunnel.Keepalive = config.Keepalive{Interval: 5 * time.Second, Timeout: 10 * time.Second}
				length, c.pause = 3*time.Minute, 5*c.pause
			}
			tunnel.Host, tunnel.HostKey = slowRelay(t, s.Addr(), c.piece, c.pause), s.Fingerprint()
			r := prepare(t, s, patientServer)
			r.config = tunnel
			r.Apply([]*config.Tunnel{tunnel})
			testhelp.Within(t, time.Minute, "the tunnel is up", func() bool { return r.status().State == Up })
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for range 2 {
				go func() {
					req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+tunnel.Forwards[0].Address+"/bulk", nil)
					resp, err := r.client.Do(req)
					if err == nil {
						_, _ = io.Copy(io.Discard, resp.Body)
						_ = resp.Body.Close()
					}
				}()
			}
			answered := 0
			for deadline := time.Now().Add(length); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
				if r.answers() {
					answered++
				}
				if st := r.status(); st.Connects != 1 || st.State != Up {
					t.Fatalf("the connection broke: %+v", st)
				}
			}
			if t.Logf("%d small answers in %s", answered, length); answered == 0 {
				t.Error("no small answer arrived")
			}
		})
	}
}
