package sshclient

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// pipe returns a stream over one end of a pipe, and the other end.
func pipe(t *testing.T) (c *stream, far net.Conn, m *Traffic) {
	near, far := net.Pipe()
	m = &Traffic{}
	c = newStream(near, m, newFairQueue(func() (int, int) { return 0, 1 }))
	t.Cleanup(func() {
		_ = c.Close()
		_ = far.Close()
	})
	return c, far, m
}

func TestReadDeadline(t *testing.T) {
	c, far, m := pipe(t)
	buffer := make([]byte, 3)
	for range 3 {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := c.Read(buffer); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%v", err)
		}
		if _, err := c.Read(buffer); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("a read after the deadline: %v", err)
		}
	}
	_ = c.SetReadDeadline(time.Time{})
	go func() { _, _ = io.WriteString(far, "hello") }()
	if n, err := c.Read(buffer); err != nil || string(buffer[:n]) != "hel" {
		t.Fatalf("%q, %v", buffer[:n], err)
	}
	if n, err := c.Read(buffer); err != nil || string(buffer[:n]) != "lo" {
		t.Fatalf("%q, %v", buffer[:n], err)
	}
	_ = far.Close()
	for range 2 {
		if _, err := c.Read(buffer); !errors.Is(err, io.EOF) {
			t.Fatalf("%v", err)
		}
	}
	if m.In.Load() != 5 {
		t.Errorf("%d bytes were counted", m.In.Load())
	}
}

func TestReadDeadlineSetDuringRead(t *testing.T) {
	c, far, _ := pipe(t)
	read := make(chan error, 1)
	begin := func() {
		go func() {
			_, err := c.Read(make([]byte, 1))
			read <- err
		}()
		time.Sleep(10 * time.Millisecond)
	}
	begin()
	_ = c.SetReadDeadline(time.Unix(1, 0)) // as net/http does to end a read
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%v", err)
	}
	const first = 2 * time.Second // long enough to set another one on a busy machine
	deadline := time.Now().Add(first)
	_ = c.SetReadDeadline(deadline)
	begin()
	_ = c.SetReadDeadline(time.Now().Add(time.Hour)) // later
	select {
	case err := <-read:
		t.Fatalf("the read ended at the old deadline: %v", err)
	case <-time.After(time.Until(deadline) + 50*time.Millisecond):
	}
	_, _ = io.WriteString(far, "x")
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	begin()
	_ = c.Close()
	if err := <-read; !errors.Is(err, net.ErrClosed) {
		t.Fatalf("%v", err)
	}
}

func TestWriteDeadline(t *testing.T) {
	c, _, _ := pipe(t)
	_ = c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := c.Write(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%v", err)
	}
	if _, err := c.Write([]byte("x")); err == nil {
		t.Fatal("the connection is still open")
	}
}
