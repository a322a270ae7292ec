package channel

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/limit"
)

// Key is the state of one key.
type Key struct {
	channel     *State
	fingerprint string // of the value
	id          atomic.Pointer[string]
	inFlight    atomic.Int64
	limiter     limit.Limiter
	restricted  atomic.Bool // there may be a cooldown or mark, which takes the lock to check

	mu          sync.Mutex
	rateLimited cooldown
	invalid     cooldown
	invalidFor  []string // the operations for which it is invalid; nil: all
	quotaSpent  cooldown
	mark        mark
	models      map[string]*keyModel
	refusals    evidence // for unknown reasons, since the last good answer
	suspect     bool     // that it is suspect has been announced
	counters    Counters
	recent      *window // nil: no attempt yet
	removed     removal // under the channel's mu
}

// Limiter returns the limiter of the key.
func (k *Key) Limiter() *limit.Limiter { return &k.limiter }

// ID returns the name of the key in logs, events and plans.
func (k *Key) ID() string {
	if id := k.id.Load(); id != nil {
		return *id
	}
	return k.IDWith("")
}

// IDWith returns the ID of the key with a label; without a label it is derived
// from the fingerprint.
func (k *Key) IDWith(label string) string {
	if label != "" {
		return label
	}
	return "key-" + k.fingerprint[:8]
}

// SetLabel changes the ID.
func (k *Key) SetLabel(label string) {
	if id := k.IDWith(label); id != k.ID() {
		k.id.Store(&id)
	}
}

// Skip returns why the key must not be used now for the model and the operation, or ""
// if it may be used; without an operation, for any of them. until is when that ends.
func (k *Key) Skip(now time.Time, model, operation string) (skip Skip, until time.Time) {
	if !k.restricted.Load() {
		return "", time.Time{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.skip(now, model, operation)
}

func (k *Key) skip(now time.Time, model, operation string) (Skip, time.Time) {
	switch {
	case k.invalid.active(now) && (operation == "" || k.rejectedBy(operation)):
		return SkipInvalidKey, k.invalid.until
	case k.quotaSpent.active(now):
		return SkipQuotaSpent, k.quotaSpent.until
	case k.rateLimited.active(now):
		return k.rateLimited.skip(), k.rateLimited.until
	}
	m := k.models[model]
	switch {
	case m == nil:
	case m.noAccess.active(now):
		return SkipNoAccess, m.noAccess.until
	case m.rateLimited.active(now):
		return SkipRateLimited, m.rateLimited.until
	}
	return "", time.Time{}
}

// Deferred reports whether the key is used after others for the model and the operation,
// and until when: it is marked, or another operation rejected it.
func (k *Key) Deferred(now time.Time, model, operation string) (until time.Time, deferred bool) {
	if !k.restricted.Load() {
		return time.Time{}, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mark.deferred(now) {
		until, deferred = k.mark.until, true
	}
	if m := k.models[model]; m != nil && m.mark.deferred(now) {
		until, deferred = later(until, m.mark.until), true
	}
	if k.invalid.active(now) && !k.rejectedBy(operation) {
		until, deferred = later(until, k.invalid.until), true
	}
	return until, deferred
}

// LastGood returns when the key last got a good answer for the model; zero if unknown.
func (k *Key) LastGood(model string) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if m := k.models[model]; m != nil {
		return m.lastGood
	}
	return time.Time{}
}

// Limit records that the site rate limits the key, for one model if model is
// not empty. wait is the time that the site gave, 0 if none.
func (k *Key) Limit(now time.Time, model string, wait time.Duration, reason string) {
	k.coolDown(now, ChangeKeyRateLimited, SkipRateLimited, reason, func() (*cooldown, bool) {
		c := &k.rateLimited
		if model != "" {
			c = &k.model(now, model).rateLimited
		}
		return c, c.start(now, wait, firstRateLimit, topRateLimit, reason)
	})
}

// Exhaust records that the key has no quota left.
func (k *Key) Exhaust(now time.Time, wait time.Duration, reason string) {
	k.coolDown(now, ChangeKeyQuotaSpent, SkipQuotaSpent, reason, func() (*cooldown, bool) {
		return &k.quotaSpent, k.quotaSpent.start(now, wait, quotaCooldown, quotaCooldown, reason)
	})
}

// DenyModel records that the key has no access to the model.
func (k *Key) DenyModel(now time.Time, model string, wait time.Duration, reason string) {
	k.coolDown(now, ChangeKeyNoAccess, SkipNoAccess, reason, func() (*cooldown, bool) {
		c := &k.model(now, model).noAccess
		return c, c.start(now, wait, accessCooldown, accessCooldown, reason)
	})
}

// coolDown starts a cooldown under the lock, counts the failure, and announces
// a cooldown that is new.
func (k *Key) coolDown(now time.Time, kind ChangeKind, skip Skip, reason string, start func() (*cooldown, bool)) {
	k.mu.Lock()
	c, began := start()
	k.fail(now, reason)
	left := c.remaining(now)
	k.mu.Unlock()
	if began {
		k.announce(kind, fmt.Sprintf("%s, not used for %s: %s", skip.Text(), wording.Duration(left), reason))
	}
}

// Mark makes the key suspect: its site refused a request that succeeded with
// another key of the same channel. A key that has had no good answer yet, or is
// marked for another model, is marked for all models, otherwise for this model.
func (k *Key) Mark(now time.Time, model string) {
	k.mu.Lock()
	m := &k.mark
	if !k.mark.deferred(now) && k.works(model) {
		m = &k.model(now, model).mark
	}
	added := m.add(now)
	until := m.until
	k.update()
	k.mu.Unlock()
	if added {
		k.announce(ChangeKeySuspect, fmt.Sprintf("refused a request that another key got answered: used last for %s", wording.Duration(until.Sub(now).Round(time.Second))))
	}
}

// works reports whether a mark should apply to the model only: the key had a good answer,
// and no other model is marked.
func (k *Key) works(model string) bool {
	good := k.counters.Successes > 0
	for name, m := range k.models {
		if m.mark.count > 0 && name != model {
			return false
		}
		good = good || !m.lastGood.IsZero()
	}
	return good
}

// CountRefusal records a refusal for an unknown reason, where no other key can
// be used for comparison. After three different requests without a good answer
// the key is shown as suspect, but is used as before.
func (k *Key) CountRefusal(now time.Time, request uint64) {
	k.mu.Lock()
	began := k.refusals.add(now, request) >= maxEvidence && !k.suspect
	k.suspect = k.suspect || began
	k.update()
	k.mu.Unlock()
	if began {
		k.announce(ChangeKeySuspect, "refused three different requests for an unknown reason, and there is no other key to compare with")
	}
}

// Reset ends every cooldown and mark, for example when the user resumes the
// channel.
func (k *Key) Reset() {
	k.mu.Lock()
	was := k.restricted.Load()
	k.clear()
	k.mu.Unlock()
	if was {
		k.announce(ChangeKeyUsable, "usable again")
	}
}

// Acquire counts an attempt with the key. test reports whether the attempt
// tests a mark.
func (k *Key) Acquire(now time.Time, model string) (test bool) {
	k.inFlight.Add(1)
	if !k.restricted.Load() {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	test = k.mark.test(now)
	if m := k.models[model]; m != nil && m.mark.test(now) {
		test = true
	}
	return test
}

// Release ends the attempt begun by Acquire.
func (k *Key) Release(model string, test bool) {
	k.inFlight.Add(-1)
	if !test {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mark.tested = time.Time{}
	if m := k.models[model]; m != nil {
		m.mark.tested = time.Time{}
	}
}

// Succeed records a good answer for the model.
func (k *Key) Succeed(now time.Time, model string, ttfb time.Duration) {
	k.mu.Lock()
	k.counters.success(now, 0)
	k.counters.ttfb(ttfb)
	k.countRecent(now, true)
	k.model(now, model).lastGood = now
	rejectedBy, reason := k.invalidFor, k.invalid.reason
	usable := k.restricted.Load() && k.recover(now, model)
	k.mu.Unlock()
	for _, operation := range rejectedBy {
		k.channel.RecordKeyRejection(now, operation, 0, reason)
	}
	if usable {
		k.announce(ChangeKeyUsable, "usable again: a request was answered")
	}
}

// CountSuccess counts a good answer that does not show whether the key works,
// because the site may give it to any key.
func (k *Key) CountSuccess(now time.Time, ttfb time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counters.success(now, 0)
	k.counters.ttfb(ttfb)
	k.countRecent(now, true)
}

// Fail records a failure that the key did not cause.
func (k *Key) Fail(now time.Time, reason string) {
	k.mu.Lock()
	k.fail(now, reason)
	k.mu.Unlock()
}

func (k *Key) announce(kind ChangeKind, message string) {
	k.channel.registry.changed(Change{Kind: kind, Channel: k.channel.name, Key: k.ID(), Message: message})
}

// InFlight returns the number of attempts in flight with the key.
func (k *Key) InFlight() int { return int(k.inFlight.Load()) }

// The methods below need mu.

// recover clears the restrictions that a good answer disproves. An active rate limit stays,
// since the request may have been in flight before it. recover reports whether the key
// becomes usable again.
func (k *Key) recover(now time.Time, model string) bool {
	usable := k.invalid.set() || k.quotaSpent.set() || k.mark.count > 0 || k.suspect
	k.invalid, k.invalidFor, k.quotaSpent, k.mark = cooldown{}, nil, cooldown{}, mark{}
	k.refusals, k.suspect = evidence{}, false
	m := k.models[model]
	usable = usable || m.mark.count > 0 || m.noAccess.set()
	m.mark, m.noAccess = mark{}, cooldown{}
	if !m.rateLimited.active(now) {
		m.rateLimited = cooldown{}
	}
	if !k.rateLimited.active(now) {
		usable = usable || k.rateLimited.set()
		k.rateLimited = cooldown{}
	}
	k.update()
	return usable
}

func (k *Key) clear() {
	k.rateLimited, k.invalid, k.invalidFor, k.quotaSpent, k.mark = cooldown{}, cooldown{}, nil, cooldown{}, mark{}
	k.refusals, k.suspect = evidence{}, false
	for _, m := range k.models {
		*m = keyModel{lastGood: m.lastGood}
	}
	k.update()
}

func (k *Key) fail(now time.Time, reason string) {
	k.counters.failure(now, reason)
	k.countRecent(now, false)
	k.update()
}

// countRecent counts an attempt in the window of the last minute.
func (k *Key) countRecent(now time.Time, ok bool) {
	if k.recent == nil {
		k.recent = &window{span: time.Minute}
	}
	k.recent.add(now, ok)
}

// update sets restricted to whether there is any restriction.
func (k *Key) update() {
	restricted := k.rateLimited.set() || k.invalid.set() || k.quotaSpent.set() || k.mark.count > 0 || k.suspect
	for _, m := range k.models {
		restricted = restricted || m.restricts()
	}
	if was := k.restricted.Swap(restricted); was != restricted {
		k.channel.restrictKey(restricted)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
