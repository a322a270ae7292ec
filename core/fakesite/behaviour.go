package fakesite

import (
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Behaviour answers one request, or fails to. It runs before the site looks at
// the request's key, as a front that stands before a real site does; those that
// give the ordinary answer, or part of it, refuse a wrong key with a 401.
type Behaviour func(x *Exchange)

// OK gives the ordinary answer. It is what a site does unless told otherwise.
func OK() Behaviour { return func(x *Exchange) { x.answer(complete, nil) } }

// Delay waits before it does what then says; without then, before OK.
func Delay(d time.Duration, then ...Behaviour) Behaviour {
	next := OK()
	if len(then) > 0 {
		next = then[0]
	}
	return func(x *Exchange) {
		x.pause(d)
		next(x)
	}
}

// Status answers with a status, a body and headers, given as names each with
// its value. The content is JSON if a header does not say otherwise.
func Status(code int, body string, headers ...string) Behaviour {
	return func(x *Exchange) {
		kind := "application/json"
		for pair := range slices.Chunk(headers, 2) {
			if len(pair) < 2 {
				break
			}
			if strings.EqualFold(pair[0], "Content-Type") {
				kind = pair[1]
			}
			x.W.Header().Set(pair[0], pair[1])
		}
		x.send(code, kind, body)
	}
}

// Unauthorized refuses the key, right or wrong.
func Unauthorized() Behaviour { return func(x *Exchange) { x.fail(faultKey) } }

// RateLimited answers 429 in the API's own shape. Retry-After is in whole
// seconds, rounded up; without it when retryAfter is 0.
func RateLimited(retryAfter time.Duration) Behaviour {
	return func(x *Exchange) {
		if retryAfter > 0 {
			seconds := int(math.Ceil(retryAfter.Seconds()))
			x.W.Header().Set("Retry-After", strconv.Itoa(seconds))
		}
		x.fail(faultRate)
	}
}

// OutOfQuota answers 429 as for a key whose money is spent.
func OutOfQuota() Behaviour { return func(x *Exchange) { x.fail(faultQuota) } }

// challengePage has what a bot challenge is known by, and nothing more.
const challengePage = `<!DOCTYPE html><html><head><title>Just a moment...</title></head>` +
	`<body><noscript>JavaScript is needed to go on.</noscript>` +
	`<script src="/cdn-cgi/challenge-platform/fake.js"></script></body></html>`

// Challenge returns the page a Cloudflare front shows to what it takes for a robot.
func Challenge() Behaviour {
	return Status(http.StatusForbidden, challengePage, "Content-Type", "text/html; charset=UTF-8",
		"Server", "cloudflare", "Cf-Mitigated", "challenge")
}

// ChallengeHTML503 returns a challenge that no header admits to: a 503 with a page.
func ChallengeHTML503() Behaviour {
	return Status(http.StatusServiceUnavailable, challengePage, "Content-Type", "text/html; charset=UTF-8",
		"Server", "cloudflare")
}

// Redirect answers 307 to the URL.
func Redirect(url string) Behaviour {
	return Status(http.StatusTemporaryRedirect, "", "Location", url)
}

// Reset resets the connection before any answer.
func Reset() Behaviour { return (*Exchange).reset }

// ResetAfter declares a body longer than n bytes and resets the connection once
// it has sent n.
func ResetAfter(n int) Behaviour {
	return func(x *Exchange) {
		x.W.Header().Set("Content-Type", "application/json")
		x.W.Header().Set("Content-Length", strconv.Itoa(n+4096))
		x.W.WriteHeader(http.StatusOK)
		fill(x.W, n)
		x.flush()
		x.reset()
	}
}

// HangBeforeHeaders takes the request and never answers.
func HangBeforeHeaders() Behaviour { return (*Exchange).hang }

// HangAfterEvents sends n events of the ordinary stream and then nothing more,
// the connection left open. An answer that is no stream stops in the middle.
func HangAfterEvents(n int) Behaviour {
	return func(x *Exchange) { x.answer(n, x.hang) }
}

// CutAfterEvents sends n events of the ordinary stream and breaks the
// connection without the final chunk. An answer that is no stream breaks in the
// middle.
func CutAfterEvents(n int) Behaviour {
	return func(x *Exchange) { x.answer(n, x.cut) }
}

// EmptyOK answers 200 with nothing in it.
func EmptyOK() Behaviour { return Status(http.StatusOK, "") }

// EmptyStream answers 200 with a stream that ends at once, properly.
func EmptyStream() Behaviour { return func(x *Exchange) { x.startStream(true) } }

// ErrorEvent answers 200 with a stream whose only event is the error, a JSON
// object.
func ErrorEvent(json string) Behaviour {
	return func(x *Exchange) {
		x.startStream(true)
		event := data(json)
		if x.api == anthropic {
			event = named("error", json)
		}
		_, _ = io.WriteString(x.W, event)
	}
}

// fill writes n bytes, or as many as the client takes.
func fill(w io.Writer, n int) {
	block := strings.Repeat("x", min(n, 32<<10))
	for n > 0 {
		k, err := io.WriteString(w, block[:min(n, len(block))])
		if err != nil {
			return
		}
		n -= k
	}
}

// script says which behaviour a request meets.
type script struct {
	mu     sync.Mutex
	queue  []Behaviour
	keys   map[string]Behaviour
	always Behaviour
}

// pick takes the behaviour for a request that carries the credential: what is
// queued, else what its key meets, else what all meet, else OK.
func (c *script) pick(credential string) Behaviour {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) > 0 {
		next := c.queue[0]
		c.queue = c.queue[1:]
		return next
	}
	if b := c.keys[credential]; b != nil {
		return b
	}
	if c.always != nil {
		return c.always
	}
	return OK()
}

// Next queues behaviours, one for each coming request whatever it asks for.
func (s *Site) Next(b ...Behaviour) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.queue = append(s.script.queue, b...)
}

// ForKey sets what every request with the key meets; nil ends it.
func (s *Site) ForKey(key string, b Behaviour) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	if s.script.keys == nil {
		s.script.keys = map[string]Behaviour{}
	}
	s.script.keys[key] = b
}

// Always sets what every request meets; nil ends it.
func (s *Site) Always(b Behaviour) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.always = b
}

// ResetScript forgets all behaviours, so that the site works again. Requests
// that hang keep hanging.
func (s *Site) ResetScript() {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.queue, s.script.keys, s.script.always = nil, nil, nil
}
