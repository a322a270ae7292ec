package upstream

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// socket is a connection of the operating system below a [conn]. It can keep a short
// request back until the answer is read. Then it checks that the connection is still open,
// writes the request and waits for the answer before it reads: reading at once would cost
// a system call that finds nothing, because no answer can have come yet.
type socket struct {
	net.Conn
	raw   syscall.RawConn
	visit func(fd uintptr) bool // s.step and s.look, bound once
	peek  func(fd uintptr) bool

	keeping bool    // writes are kept back
	kept    []byte  // what the next Read writes first
	memory  *[]byte // of kept, if it comes from the pool
	check   bool    // the connection was idle: the site may have closed it

	visited  bool
	peeked   peekResult
	sent     int   // bytes of the request that were kept
	length   int   // of that request; 0: none was kept
	writeErr error // of writing it
}

// errIdleClosed is the error of reading from a connection that the site had closed, or
// sent unrequested bytes on, before any of the request was written.
var errIdleClosed = errors.New("the site closed the idle connection")

var keptWrites = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// newSocket returns nil if c has no socket of the operating system.
func newSocket(c net.Conn) *socket {
	under, ok := c.(syscall.Conn)
	if !ok || !canVisit {
		return nil
	}
	raw, err := under.SyscallConn()
	if err != nil {
		return nil
	}
	s := &socket{Conn: c, raw: raw}
	s.visit, s.peek = s.step, s.look
	return s
}

// begin prepares for the next request.
func (s *socket) begin() {
	if s == nil {
		return
	}
	s.check, s.sent, s.length, s.writeErr, s.peeked = false, 0, 0, nil, peekNothing
}

// keep keeps a request back until the next Read. It must not change before. check says
// that the connection has been idle.
func (s *socket) keep(request []byte, check bool) {
	s.kept, s.length, s.check = request, len(request), check
}

// keepWrites keeps back what is written before the next Read.
func (s *socket) keepWrites() {
	s.keeping, s.memory = true, keptWrites.Get().(*[]byte)
	s.kept = (*s.memory)[:0]
}

// Write is for [net.Conn].
func (s *socket) Write(p []byte) (int, error) {
	if !s.keeping {
		return s.Conn.Write(p)
	}
	s.kept = append(s.kept, p...)
	s.length = len(s.kept)
	return len(p), nil
}

// Read is for [net.Conn]. While a long request is written by another goroutine, nothing
// is kept and nothing changes here.
func (s *socket) Read(p []byte) (int, error) {
	if len(s.kept) > 0 {
		s.keeping = false
		s.sendKept()
		switch {
		case s.peeked != peekNothing:
			return 0, errIdleClosed
		case s.writeErr != nil:
			_ = s.SetReadDeadline(time.Now().Add(lateAnswerTime))
		}
	}
	return s.Conn.Read(p)
}

// sendKept writes the request that was kept back, and waits for the answer to begin.
func (s *socket) sendKept() {
	s.visited = false
	err := s.raw.Read(s.visit) // also fails when waiting fails: then so does the Read that follows
	switch {
	case !s.visited:
		s.writeErr = err
	case s.peeked == peekNothing && s.writeErr == nil && s.sent < s.length:
		var n int
		n, s.writeErr = s.Conn.Write(s.kept[s.sent:])
		s.sent += n
	}
	s.kept = nil
	if s.memory != nil {
		*s.memory = (*s.memory)[:0]
		keptWrites.Put(s.memory)
		s.memory = nil
	}
}

// step returns true when there is nothing to wait for. It is called again when the
// connection can be read.
func (s *socket) step(fd uintptr) bool {
	if s.visited {
		return true
	}
	s.visited = true
	if s.check {
		if s.peeked = peekSocket(fd); s.peeked != peekNothing {
			return true
		}
	}
	s.sent, s.writeErr = writeSocket(fd, s.kept)
	// On a new connection the answer may have come before the visit, so waiting would miss it.
	return s.sent < s.length || !s.check && peekSocket(fd) != peekNothing
}

// waiting looks at what has arrived without reading it.
func (s *socket) waiting() peekResult {
	if s == nil {
		return peekUnknown
	}
	s.peeked = peekEnd
	if err := s.raw.Read(s.peek); err != nil {
		return peekEnd
	}
	return s.peeked
}

func (s *socket) look(fd uintptr) bool {
	s.peeked = peekSocket(fd)
	return true
}

// sentOfKept returns how much of the request that was kept back was sent.
func (s *socket) sentOfKept() Sent {
	switch s.sent {
	case s.length:
		return SentAll
	case 0:
		return SentNothing
	}
	return SentPart
}

// peekResult says what can be read from a socket.
type peekResult int

const (
	peekNothing peekResult = iota
	peekBytes
	peekEnd // the connection is closed or broken
	peekUnknown
)
