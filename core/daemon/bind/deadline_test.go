package bind

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// counting counts how often a deadline is set.
type counting struct {
	net.Conn
	set atomic.Int64
}

func (c *counting) SetReadDeadline(t time.Time) error {
	c.set.Add(1)
	return c.Conn.SetReadDeadline(t)
}

func (c *counting) SetWriteDeadline(t time.Time) error {
	c.set.Add(1)
	return c.Conn.SetWriteDeadline(t)
}

func deadlinePair(t *testing.T) (p *deadlineConn, other net.Conn, under *counting) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if other, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	under = &counting{Conn: c}
	t.Cleanup(func() { _, _ = c.Close(), other.Close() })
	return &deadlineConn{Conn: under}, other, under
}

func timedOut(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s: %v", what, err)
	}
}

// TestDeadlinesHold: in every order in which they can be set.
func TestDeadlinesHold(t *testing.T) {
	t.Parallel()
	p, other, _ := deadlinePair(t)
	b := make([]byte, 8)
	soon, past := 20*time.Millisecond, time.Unix(1, 0)

	_ = p.SetReadDeadline(time.Now().Add(soon))
	_, err := p.Read(b)
	timedOut(t, "a deadline before the read", err)

	_ = p.SetReadDeadline(past)
	_, err = p.Read(b)
	timedOut(t, "a deadline that has passed", err)

	_ = p.SetReadDeadline(time.Now().Add(time.Hour))
	reading := make(chan error)
	read := func() { _, err := p.Read(b); reading <- err }
	for what, at := range map[string]func() time.Time{"sooner": func() time.Time { return time.Now().Add(soon) }, "past": func() time.Time { return past }} {
		go read()
		testhelp.Eventually(t, "the read waits", func() bool {
			p.read.mu.Lock()
			defer p.read.mu.Unlock()
			return p.read.busy > 0
		})
		_ = p.SetReadDeadline(at())
		timedOut(t, what+", while a read waits", <-reading)
		_ = p.SetReadDeadline(time.Time{})
	}

	// A read continues after a deadline that was removed.
	begun := time.Now()
	_ = p.SetReadDeadline(begun.Add(soon))
	go read()
	_ = p.SetReadDeadline(time.Time{})
	time.Sleep(time.Until(begun.Add(2 * soon)))
	_, _ = other.Write([]byte("hello"))
	if err := <-reading; err != nil || string(b[:5]) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestAWriteContinuesAfterItsDeadlineIsRemoved: it sends every byte once.
func TestAWriteContinuesAfterItsDeadlineIsRemoved(t *testing.T) {
	t.Parallel()
	p, other, _ := deadlinePair(t)
	sent := make([]byte, 16<<20)
	for i := range sent {
		sent[i] = byte(i >> 8)
	}
	begun := time.Now()
	_ = p.SetWriteDeadline(begun.Add(20 * time.Millisecond))
	writing := make(chan error)
	go func() { _, err := p.Write(sent); writing <- err }()
	_ = p.SetWriteDeadline(time.Now().Add(time.Hour))
	time.Sleep(time.Until(begun.Add(60 * time.Millisecond))) // the other end does not read until then
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(other, got); err != nil || string(got) != string(sent) {
		t.Errorf("what arrives is not what was sent (%v)", err)
	}
	if err := <-writing; err != nil {
		t.Error(err)
	}
	_ = p.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := p.Write(sent)
	timedOut(t, "a write that is not read", err)
}

// TestDeadlinesAreRarelySet counts the deadlines that requests on one connection set.
func TestDeadlinesAreRarelySet(t *testing.T) {
	t.Parallel()
	p, other, under := deadlinePair(t)
	b := make([]byte, 8)
	const requests = 100
	for range requests {
		_, _ = other.Write([]byte("x"))
		_ = p.SetReadDeadline(time.Now().Add(time.Minute)) // idle
		if _, err := p.Read(b); err != nil {
			t.Fatal(err)
		}
		_ = p.SetReadDeadline(time.Now().Add(10 * time.Second)) // its head
		_ = p.SetReadDeadline(time.Time{})
		_ = p.SetReadDeadline(time.Now().Add(5 * time.Second)) // its body
		_ = p.SetReadDeadline(time.Time{})
		_ = p.SetWriteDeadline(time.Now().Add(time.Minute))
		if _, err := p.Write(b); err != nil {
			t.Fatal(err)
		}
		_ = p.SetWriteDeadline(time.Time{})
	}
	if n := under.set.Load(); n > 2 {
		t.Errorf("a deadline of the connection was set %d times for %d requests", n, requests)
	}
}
