package sshclient

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// newTestWire returns a wire and its peer.
func newTestWire(t *testing.T) (*wire, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(near.(*net.TCPConn))
	t.Cleanup(func() { _, _ = w.Close(), far.Close() })
	return w, far.(*net.TCPConn)
}

// Packets of concurrent writers arrive complete, those of each writer in order, even if
// the wire is closed immediately afterwards.
func TestWireCarriesEverything(t *testing.T) {
	const writers, each, size = 16, 500, 1000
	w, far := newTestWire(t)
	var writing sync.WaitGroup
	for i := range writers {
		writing.Go(func() {
			packet := bytes.Repeat([]byte{byte(i)}, size)
			for n := range each {
				binary.BigEndian.PutUint32(packet[1:], uint32(n))
				if _, err := w.Write(packet); err != nil {
					t.Errorf("writer %d at %d: %v", i, n, err)
					return
				}
			}
		})
	}
	go func() {
		writing.Wait()
		_ = w.Close()
	}()
	var next [writers]uint32
	packet := make([]byte, size)
	for range writers * each {
		if _, err := io.ReadFull(far, packet); err != nil {
			t.Fatal(err)
		}
		from, n := packet[0], binary.BigEndian.Uint32(packet[1:])
		if n != next[from] || bytes.Count(packet[5:], packet[:1]) != size-5 {
			t.Fatalf("packet %d of writer %d arrived instead of %d, or is incomplete", n, from, next[from])
		}
		next[from]++
	}
	if n, err := far.Read(packet); !errors.Is(err, io.EOF) {
		t.Errorf("%d more bytes, %v", n, err)
	}
}

// A peer that reads nothing blocks writers, but not Close.
func TestWireWithStuckPeer(t *testing.T) {
	w, _ := newTestWire(t)
	var written int
	ended := make(chan error)
	go func() {
		piece := make([]byte, 64<<10)
		for {
			n, err := w.Write(piece)
			written += n
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	full := func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.pending) > maxUnsent
	}
	for begun := time.Now(); !full(); {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("the writer is never blocked")
		}
		time.Sleep(time.Millisecond)
	}
	begun := time.Now()
	_ = w.Close()
	if err := <-ended; err == nil {
		t.Error("a write succeeds after Close")
	}
	if took := time.Since(begun); took > 10*closeTime {
		t.Errorf("Close took %s", took)
	}
	if written == 0 || written > 64<<20 {
		t.Errorf("%d bytes were accepted", written)
	}
}

// If the peer has disconnected, reads and writes fail.
func TestWireWithLostPeer(t *testing.T) {
	w, far := newTestWire(t)
	_ = far.SetLinger(0)
	_ = far.Close()
	if _, err := w.Read(make([]byte, 1)); err == nil {
		t.Error("a read succeeds")
	}
	for begun := time.Now(); ; {
		if _, err := w.Write([]byte("x")); err != nil {
			break
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatal("writes never fail")
		}
	}
}
