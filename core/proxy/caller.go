package proxy

import (
	"net/http"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/dialect"
)

// eventEvery is how long a stream may contain nothing but comments: Codex closes a
// stream that had no event for 5 minutes.
const eventEvery = 240 * time.Second

// caller is the caller's side of an exchange. While an answer is held, or a stream
// pauses, it keeps the connection alive with comments or blanks. The first of them
// sends a status of 200, so that later errors can only be sent as events.
type caller struct {
	x *exchange
	w http.ResponseWriter

	mu       sync.Mutex // the timer writes, too
	timer    *time.Timer
	framing  dialect.Framing
	begun    bool // a head has been sent
	early    bool // it was sent by us, before the site's answer was judged
	content  bool // a part of an answer has been sent
	between  bool // the last byte ended an event
	done     bool
	deadline time.Time // for writing
	last     time.Time // when something was sent
	event    time.Time // when an event was sent, not just a comment
	sent     int64
	err      error
}

// expect prepares for the answer that a begins to hold, and starts the keep-alives.
func (c *caller) expect(a *attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.decoder != nil || c.done || !dialect.AcceptsKeepAlive(c.x.in.Header) {
		return
	}
	if !c.begun {
		c.framing, c.between = a.stream.Framing(), true
	}
	interval := c.x.setup.keepAlive
	if a.arrived || interval <= 0 || c.timer != nil || dialect.KeepAliveBytes(c.x.format, c.framing, false) == nil {
		return
	}
	c.last, c.event = time.Now(), time.Now()
	c.timer = time.AfterFunc(interval, c.keepAlive)
}

// keepAlive sends a comment or blank if nothing was sent for the interval.
func (c *caller) keepAlive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return
	}
	interval := c.x.setup.keepAlive
	next := interval
	if quiet := time.Since(c.last); quiet < interval {
		next = interval - quiet
	} else if c.between && (!c.content || c.framing != dialect.Document) {
		counted := time.Since(c.event) >= eventEvery && dialect.NeedsEvents(c.x.in.Header)
		if counted {
			c.event = time.Now()
		}
		c.sendEarly(dialect.KeepAliveBytes(c.x.format, c.framing, counted))
	}
	c.timer.Reset(next)
}

// mayPass reports whether a keep-alive of the site should be passed on while its
// answer is held.
func (c *caller) mayPass(a *attempt) bool {
	return a.decoder == nil && time.Since(c.x.arrived) >= earlyTime && a.stream.Framing() == c.framing && a.stream.Framing() != dialect.Binary
}

// passKeepAlive passes on a keep-alive of the site.
func (c *caller) passKeepAlive(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sendEarly(b)
}

// sendEarly writes a keep-alive. The caller holds mu.
func (c *caller) sendEarly(b []byte) {
	if !c.begun {
		c.begun, c.early = true, true
		h := c.w.Header()
		switch c.framing {
		case dialect.SSE:
			h["Content-Type"] = []string{"text/event-stream; charset=utf-8"}
			h["Cache-Control"] = []string{"no-cache"}
		default:
			h["Content-Type"] = []string{"application/json"}
		}
		h["X-Accel-Buffering"] = []string{"no"}
		setRequestID(h, c.x.dialect, c.x.record.ID)
		c.w.WriteHeader(http.StatusOK)
	}
	c.send(b)
	c.flush()
}

func (c *caller) send(b []byte) {
	if c.err != nil {
		return
	}
	c.extend()
	n, err := c.w.Write(b)
	c.sent += int64(n)
	c.last = time.Now()
	if err != nil {
		c.err = errCaller
	}
}

// writeTime is how long a caller may take to read what was written, as it occupies
// a connection to a site.
const writeTime = 90 * time.Second

// extend sets the deadline for the next write, no more often than necessary.
func (c *caller) extend() {
	limit, now := c.x.handler.writeTime, time.Now()
	if c.deadline.Sub(now) < limit*2/3 {
		c.deadline = now.Add(limit)
		_ = http.NewResponseController(c.w).SetWriteDeadline(c.deadline) // some connections have none
	}
}

func (c *caller) flush() {
	c.extend()
	if f, ok := c.w.(http.Flusher); ok {
		f.Flush()
	}
}

// head sends the head of an answer, unless one has been sent.
func (c *caller) head(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.begun {
		c.begun = true
		c.w.WriteHeader(status)
	}
}

// hasBegun reports whether a head of our own has been sent.
func (c *caller) hasBegun() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.early
}

// EarlyHints passes on the early hints of a site (RFC 8297).
func (c *caller) EarlyHints(h http.Header) {
	links := h["Link"]
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.begun || c.done || len(links) == 0 || !c.x.in.ProtoAtLeast(1, 1) {
		return
	}
	out := c.w.Header()
	out["Link"] = links
	c.w.WriteHeader(http.StatusEarlyHints)
	delete(out, "Link")
}

// write sends a part of an answer. between is true if it ends an event.
func (c *caller) write(b []byte, between, flush bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.content, c.between = true, between
	c.send(b)
	if c.timer != nil {
		c.event = c.last
	}
	if flush && c.err == nil {
		c.flush()
	}
	return c.err
}

// finish stops the keep-alives. After it only the caller of finish writes.
func (c *caller) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
	if !c.deadline.IsZero() {
		// The connection's next answer may come later than that.
		_ = http.NewResponseController(c.w).SetWriteDeadline(time.Time{})
	}
	if c.timer != nil {
		c.timer.Stop()
	}
}
