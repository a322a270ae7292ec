package fakesite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// KeptBody is how many bytes of a request's body are recorded.
const KeptBody = 64 << 10

// Request is the record of one request.
type Request struct {
	Method     string
	Path       string // as sent, still escaped
	RawQuery   string
	Proto      string // such as HTTP/2.0
	Host       string
	Header     http.Header
	Credential string
	Style      string // how the credential was sent, one of the Style constants
	Model      string
	Size       int    // bytes of the body
	Body       []byte // its first KeptBody bytes
	SHA256     string // of the whole body, in hex
	Gone       bool   // the client disconnected before the answer was complete
}

// journal contains the recorded requests.
type journal struct {
	off   atomic.Bool
	count atomic.Int64
	mu    sync.Mutex
	notes []*note
}

// note is a record that may still change. A nil note ignores all calls.
type note struct {
	Request // except for Gone, does not change once it is in the journal
	gone    atomic.Bool
}

// add records a request unless recording is off.
func (j *journal) add(x *Exchange, style string) *note {
	j.count.Add(1)
	if j.off.Load() {
		return nil
	}
	sum := sha256.Sum256(x.body)
	n := &note{Request: Request{
		Method:     x.R.Method,
		Path:       x.R.URL.EscapedPath(),
		RawQuery:   x.R.URL.RawQuery,
		Proto:      x.R.Proto,
		Host:       x.R.Host,
		Header:     x.R.Header.Clone(),
		Credential: x.Credential,
		Style:      style,
		Model:      x.Model,
		Size:       len(x.body),
		Body:       slices.Clone(x.body[:min(len(x.body), KeptBody)]),
		SHA256:     hex.EncodeToString(sum[:]),
	}}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes = append(j.notes, n)
	return n
}

// watch records when the client disconnects, until the returned function is called. A
// request that ends because the site closes does not count.
func (n *note) watch(request, site context.Context) (stop func()) {
	if n == nil {
		return func() {}
	}
	left := func() {
		if request.Err() != nil && site.Err() == nil {
			n.leave()
		}
	}
	done := context.AfterFunc(request, left)
	return func() {
		done()
		left()
	}
}

// leave records that the client disconnected.
func (n *note) leave() {
	if n != nil {
		n.gone.Store(true)
	}
}

// Record switches recording on or off; it is on in a new site.
func (s *Site) Record(on bool) { s.journal.off.Store(!on) }

// Count returns how many requests arrived, recorded or not.
func (s *Site) Count() int { return int(s.journal.count.Load()) }

// Requests returns the recorded requests in the order of their arrival. Their headers
// and bodies must not be changed.
func (s *Site) Requests() []Request {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	out := make([]Request, len(s.journal.notes))
	for i, n := range s.journal.notes {
		out[i] = n.Request
		out[i].Gone = n.gone.Load()
	}
	return out
}

// Forget clears the records and the count.
func (s *Site) Forget() {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	s.journal.notes = nil
	s.journal.count.Store(0)
}

// WaitRequests waits until n requests are recorded, and returns all of them.
func (s *Site) WaitRequests(n int, timeout time.Duration) ([]Request, error) {
	return s.wait("requests", n, timeout, func(Request) bool { return true })
}

// WaitDisconnected waits until n clients have disconnected before their answer was
// complete, and returns all recorded requests.
func (s *Site) WaitDisconnected(n int, timeout time.Duration) ([]Request, error) {
	return s.wait("clients disconnected", n, timeout, func(r Request) bool { return r.Gone })
}

// wait polls the journal until n requests match.
func (s *Site) wait(what string, n int, timeout time.Duration, match func(Request) bool) ([]Request, error) {
	deadline := time.Now().Add(timeout)
	for {
		all, found := s.Requests(), 0
		for _, r := range all {
			if match(r) {
				found++
			}
		}
		if found >= n {
			return all, nil
		}
		if time.Now().After(deadline) {
			return all, fmt.Errorf("fakesite %s: %d %s after %v, want %d", s.name, found, what, timeout, n)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
