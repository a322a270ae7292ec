//go:build linux

package linktest

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// network returns a link until the test ends.
func network(t *testing.T, l Link) *Network {
	t.Helper()
	w, err := New(l)
	if errors.Is(err, ErrUnavailable) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// roundTrip returns what an echo over the link takes, the best of some.
func roundTrip(t *testing.T, w *Network) time.Duration {
	t.Helper()
	l, err := w.Listen(net.JoinHostPort(w.Inner, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.Copy(c, c) // until it is closed
		_ = c.Close()
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	best := time.Hour
	for range 5 {
		begun := time.Now()
		_, _ = c.Write([]byte("x"))
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(begun))
	}
	return best
}

func TestALinkDelays(t *testing.T) {
	t.Parallel()
	const delay = 20 * time.Millisecond
	if took := roundTrip(t, network(t, Link{Delay: delay})); took < 2*delay {
		t.Errorf("a round trip takes %s, the delay is %s each way", took, delay)
	}
}

// TestALinkLimitsTheRate: what is sent at once is carried no faster than the link is.
func TestALinkLimitsTheRate(t *testing.T) {
	t.Parallel()
	link := Link{Rate: 1.2e6}
	w := network(t, link)
	l, err := w.Listen(net.JoinHostPort(w.Inner, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	const size = 100 << 10
	begun := time.Now()
	go func() {
		_, _ = c.Write(make([]byte, size))
		_ = c.Close()
	}()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = far.Close() }()
	if n, err := io.Copy(io.Discard, far); n != size || err != nil {
		t.Fatalf("%d bytes came: %v", n, err)
	}
	burst := 16 << 10 // that goes at once
	if took, least := time.Since(begun).Seconds(), float64(size-burst)*8/link.Payload(); took < 0.95*least {
		t.Errorf("%d bytes took %.2f s, at that rate they take %.2f", size, took, least)
	}
}

func TestALinkLosesPackets(t *testing.T) {
	t.Parallel()
	w := network(t, Link{Loss: 1})
	_, err := net.DialTimeout("tcp", net.JoinHostPort(w.Inner, "1"), 100*time.Millisecond)
	var failure net.Error
	if !errors.As(err, &failure) || !failure.Timeout() {
		t.Errorf("all packets are lost, but a connection returns %v", err)
	}
}
