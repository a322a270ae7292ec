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

// Behavior answers one request, or fails to. It runs before the site checks the
// request's key, like a proxy in front of a real site. Behaviors that give the normal
// answer, or part of it, refuse a wrong key with a 401.
type Behavior func(x *Exchange)

// OK gives the normal answer. It is the default.
func OK() Behavior { return func(x *Exchange) { x.answer(complete, nil) } }

// Delay waits, and then continues with another behavior, by default OK.
func Delay(d time.Duration, then ...Behavior) Behavior {
	next := OK()
	if len(then) > 0 {
		next = then[0]
	}
	return func(x *Exchange) {
		x.pause(d)
		next(x)
	}
}

// Status answers with a status, a body, and headers as pairs of name and value. The
// content type is JSON unless a header sets another.
func Status(code int, body string, headers ...string) Behavior {
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
func Unauthorized() Behavior { return func(x *Exchange) { x.fail(faultKey) } }

// RateLimited answers with 429 in the format of the API. Retry-After is in whole
// seconds, rounded up; it is left out if retryAfter is 0.
func RateLimited(retryAfter time.Duration) Behavior {
	return func(x *Exchange) {
		if retryAfter > 0 {
			seconds := int(math.Ceil(retryAfter.Seconds()))
			x.W.Header().Set("Retry-After", strconv.Itoa(seconds))
		}
		x.fail(faultRate)
	}
}

// OutOfQuota answers with 429, as for a key without credit.
func OutOfQuota() Behavior { return func(x *Exchange) { x.fail(faultQuota) } }

// challengePage contains only what bot challenges are recognized by.
const challengePage = `<!DOCTYPE html><html><head><title>Just a moment...</title></head>` +
	`<body><noscript>JavaScript is needed to continue.</noscript>` +
	`<script src="/cdn-cgi/challenge-platform/fake.js"></script></body></html>`

// Challenge answers with the page that Cloudflare shows to suspected bots.
func Challenge() Behavior {
	return Status(http.StatusForbidden, challengePage, "Content-Type", "text/html; charset=UTF-8",
		"Server", "cloudflare", "Cf-Mitigated", "challenge")
}

// ChallengeHTML503 answers with a challenge that no header reveals: a 503 with a page.
func ChallengeHTML503() Behavior {
	return Status(http.StatusServiceUnavailable, challengePage, "Content-Type", "text/html; charset=UTF-8",
		"Server", "cloudflare")
}

// Redirect redirects to the URL with 307.
func Redirect(url string) Behavior {
	return Status(http.StatusTemporaryRedirect, "", "Location", url)
}

// Reset resets the connection before any answer.
func Reset() Behavior { return (*Exchange).reset }

// ResetAfter announces a body longer than n bytes, and resets the connection after it
// has sent n.
func ResetAfter(n int) Behavior {
	return func(x *Exchange) {
		x.W.Header().Set("Content-Type", "application/json")
		x.W.Header().Set("Content-Length", strconv.Itoa(n+4096))
		x.W.WriteHeader(http.StatusOK)
		fill(x.W, n)
		x.flush()
		x.reset()
	}
}

// HangBeforeHeaders accepts the request and never answers.
func HangBeforeHeaders() Behavior { return (*Exchange).hang }

// HangAfterEvents sends n events of the normal stream and then nothing more, with the
// connection open. An answer that is not a stream stops in the middle.
func HangAfterEvents(n int) Behavior {
	return func(x *Exchange) { x.answer(n, x.hang) }
}

// CutAfterEvents sends n events of the normal stream and closes the connection without
// the final chunk. An answer that is not a stream is cut off in the middle.
func CutAfterEvents(n int) Behavior {
	return func(x *Exchange) { x.answer(n, x.cut) }
}

// EmptyOK answers with 200 and no body.
func EmptyOK() Behavior { return Status(http.StatusOK, "") }

// EmptyStream answers with 200 and a stream that ends properly without an event.
func EmptyStream() Behavior { return func(x *Exchange) { x.startStream(true) } }

// ErrorEvent answers with 200 and a stream whose only event is the error, a JSON
// object.
func ErrorEvent(json string) Behavior {
	return func(x *Exchange) {
		x.startStream(true)
		event := data(json)
		if x.api == anthropic {
			event = named("error", json)
		}
		_, _ = io.WriteString(x.W, event)
	}
}

// fill writes n bytes, or as many as the client reads.
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

// script determines the behavior for each request.
type script struct {
	mu     sync.Mutex
	queue  []Behavior
	keys   map[string]Behavior
	always Behavior
}

// pick returns the behavior for a request with the credential: a queued one, else that
// of its key, else that for all requests, else OK.
func (c *script) pick(credential string) Behavior {
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

// Next queues behaviors, one for each of the next requests.
func (s *Site) Next(b ...Behavior) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.queue = append(s.script.queue, b...)
}

// ForKey sets the behavior for every request with the key; nil removes it.
func (s *Site) ForKey(key string, b Behavior) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	if s.script.keys == nil {
		s.script.keys = map[string]Behavior{}
	}
	s.script.keys[key] = b
}

// Always sets the behavior for every request; nil removes it.
func (s *Site) Always(b Behavior) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.always = b
}

// ResetScript removes all behaviors, so that the site works again. Requests that hang
// continue to hang.
func (s *Site) ResetScript() {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.queue, s.script.keys, s.script.always = nil, nil, nil
}
