package channel

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// How long a key rests. A rest that the site names is taken, up to maxCooldown.
const (
	firstCooldown  = 30 * time.Second
	topCooldown    = 10 * time.Minute // of those that grow by doubling
	maxCooldown    = time.Hour
	firstInvalid   = 5 * time.Minute
	topInvalid     = time.Hour
	firstExhausted = time.Hour
	maxModels      = 64 // cooldowns for single models kept per key
)

// Key is what is known of one key.
type Key struct {
	channel  *State
	print    string // fingerprint of the value
	id       atomic.Pointer[string]
	inFlight atomic.Int64
	out      atomic.Bool // some rest is noted: the slow path must look

	mu        sync.Mutex
	limited   rest
	invalid   rest
	exhausted rest
	models    map[string]*rest
	counters  Counters
	recent    window
	gone      absence // under the channel's mu
}

// rest is a time for which a key is left alone.
type rest struct {
	until  time.Time
	step   time.Duration
	reason string
}

func (r *rest) on(now time.Time) bool { return now.Before(r.until) }

// grow begins a rest of named, or where the site named none of twice the last
// one. A rest that is under way, begun by a request sent at the same time, is
// prolonged but not doubled.
func (r *rest) grow(now time.Time, named, first, top time.Duration) {
	if named <= 0 {
		if !r.on(now) {
			r.step = min(max(first, 2*r.step), top)
		}
		named = r.step
	}
	if until := now.Add(named); until.After(r.until) {
		r.until = until
	}
}

// ID names the key in logs, events and plans.
func (k *Key) ID() string {
	if id := k.id.Load(); id != nil {
		return *id
	}
	return k.IDWith("")
}

// IDWith is the ID that the key has by a label; without one it is made from
// the fingerprint.
func (k *Key) IDWith(label string) string {
	if label != "" {
		return label
	}
	return "key-" + k.print[:8]
}

// SetLabel changes the ID.
func (k *Key) SetLabel(label string) {
	if id := k.IDWith(label); id != k.ID() {
		k.id.Store(&id)
	}
}

// Ready says whether the key may be used for the model. until is when a rest
// that speaks against it ends.
func (k *Key) Ready(now time.Time, model string) (skip Skip, until time.Time) {
	if !k.out.Load() {
		return "", time.Time{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.invalid.on(now):
		return SkipInvalidKey, k.invalid.until
	case k.exhausted.on(now):
		return SkipQuotaSpent, k.exhausted.until
	case k.limited.on(now):
		return SkipRateLimited, k.limited.until
	}
	if r := k.models[model]; r != nil && r.on(now) {
		return SkipRateLimited, r.until
	}
	return "", time.Time{}
}

// Limit notes that the site limits the key, for one model if model is not
// empty. wait is how long the site said, 0 if it did not.
func (k *Key) Limit(now time.Time, model string, wait time.Duration, reason string) {
	wait = min(wait, maxCooldown)
	k.mu.Lock()
	r := &k.limited
	if model != "" {
		r = k.model(now, model)
	}
	was := r.on(now)
	r.grow(now, wait, firstCooldown, topCooldown)
	r.reason = reason
	k.fail(now, reason)
	left := r.until.Sub(now)
	k.mu.Unlock()
	if !was {
		k.announce(ChangeKeyRateLimited, fmt.Sprintf("limited for %s: %s", left.Round(time.Second), reason))
	}
}

// Invalidate notes that the site refuses the key. It is tried again after
// 5 minutes, then 10, and so on up to an hour.
func (k *Key) Invalidate(now time.Time, reason string) {
	k.refuse(now, &k.invalid, 0, firstInvalid, topInvalid, ChangeKeyInvalid, reason)
}

// Exhaust notes that the key has no quota left. wait is how long the site
// said, 0 if it did not.
func (k *Key) Exhaust(now time.Time, wait time.Duration, reason string) {
	k.refuse(now, &k.exhausted, min(wait, maxCooldown), firstExhausted, firstExhausted, ChangeKeyQuotaSpent, reason)
}

func (k *Key) refuse(now time.Time, r *rest, wait, first, top time.Duration, kind ChangeKind, reason string) {
	k.mu.Lock()
	was := r.on(now)
	r.grow(now, wait, first, top)
	r.reason = reason
	k.fail(now, reason)
	left := r.until.Sub(now)
	k.mu.Unlock()
	if !was {
		what := SkipInvalidKey
		if kind == ChangeKeyQuotaSpent {
			what = SkipQuotaSpent
		}
		k.announce(kind, fmt.Sprintf("%s, next try in %s: %s", what.Text(), left.Round(time.Second), reason))
	}
}

// Revive ends every rest, as the user's own word does.
func (k *Key) Revive() {
	k.mu.Lock()
	was := k.out.Load()
	k.clear()
	k.mu.Unlock()
	if was {
		k.announce(ChangeKeyUsable, "usable again")
	}
}

// Acquire counts an attempt with the key as under way.
func (k *Key) Acquire() { k.inFlight.Add(1) }

// Release ends what Acquire began.
func (k *Key) Release() { k.inFlight.Add(-1) }

// Succeed notes an answer the key was good for.
func (k *Key) Succeed(now time.Time, ttfb time.Duration) {
	k.mu.Lock()
	k.counters.success(now, 0)
	k.counters.ttfb(ttfb)
	k.recent.add(now, true)
	revived := k.out.Load() && k.recover(now)
	k.mu.Unlock()
	if revived {
		k.announce(ChangeKeyUsable, "usable again: a request was answered")
	}
}

// Fail notes a failure that is not the key's.
func (k *Key) Fail(now time.Time, reason string) {
	k.mu.Lock()
	k.fail(now, reason)
	k.mu.Unlock()
}

// recover forgets the rests that a success disproves: a refused key works. A
// cooldown under way stays, for the answer may have been under way before it.
func (k *Key) recover(now time.Time) bool {
	was := k.invalid.step > 0 || k.exhausted.step > 0 || !k.exhausted.until.IsZero()
	k.invalid, k.exhausted = rest{}, rest{}
	if k.limited.on(now) {
		return was
	}
	for model, r := range k.models {
		if r.on(now) {
			return was
		}
		delete(k.models, model)
	}
	was = was || k.limited.step > 0
	k.clear()
	return was
}

func (k *Key) clear() {
	k.limited, k.invalid, k.exhausted, k.models = rest{}, rest{}, rest{}, nil
	k.out.Store(false)
}

func (k *Key) fail(now time.Time, reason string) {
	k.counters.failure(now, reason)
	k.recent.add(now, false)
	k.mark()
}

// mark keeps out in step; the caller holds mu.
func (k *Key) mark() {
	k.out.Store(k.limited.step > 0 || !k.limited.until.IsZero() || !k.invalid.until.IsZero() || !k.exhausted.until.IsZero() || len(k.models) > 0)
}

func (k *Key) model(now time.Time, model string) *rest {
	r := k.models[model]
	if r != nil {
		return r
	}
	if len(k.models) >= maxModels {
		for m, old := range k.models {
			if !old.on(now) {
				delete(k.models, m)
			}
		}
	}
	if len(k.models) >= maxModels {
		return &k.limited
	}
	if k.models == nil {
		k.models = map[string]*rest{}
	}
	r = &rest{}
	k.models[model] = r
	return r
}

func (k *Key) announce(kind ChangeKind, message string) {
	k.channel.registry.changed(Change{Kind: kind, Channel: k.channel.name, Key: k.ID(), Message: message})
}

// InFlight is the number of attempts with the key that are under way.
func (k *Key) InFlight() int { return int(k.inFlight.Load()) }
