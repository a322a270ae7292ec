package channel

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// Registry has the state of channels and keys. It and everything it returns are
// safe for concurrent use.
type Registry struct {
	now      func() time.Time
	start    time.Time
	salt     maphash.Seed // of fingerprints of requests
	macs     sync.Pool    // of hash.Hash, made from the seed
	onChange func(Change)

	health    atomic.Uint64 // counts changes that make plans obsolete
	limits    atomic.Uint64
	preferred atomic.Int64 // channels that the user prefers

	restricted atomic.Int64 // channels with flags

	objects objects
	retries retryBudget
	slots   slots // under mu

	mu       sync.Mutex
	channels map[[2]string]*State
}

// Options of a [Registry]; the zero value is usable.
type Options struct {
	Now      func() time.Time // default time.Now; its times must have a monotonic reading
	Seed     []byte           // prevents guessing the values of fingerprints; the same seed gives the same ones
	OnChange func(Change)     // called, outside all locks, for each change of state that users should know
}

// NewRegistry returns an empty registry.
func NewRegistry(o Options) *Registry {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnChange == nil {
		o.OnChange = func(Change) {}
	}
	return &Registry{
		now: o.Now, start: o.Now(), salt: maphash.MakeSeed(), onChange: o.OnChange, channels: map[[2]string]*State{},
		macs: sync.Pool{New: func() any { return hmac.New(sha256.New, o.Seed) }},
	}
}

// Now returns the time of the registry's clock.
func (r *Registry) Now() time.Time { return r.now() }

// Channel returns the state of the channel with this name and target, which it creates if
// necessary.
func (r *Registry) Channel(name, target string) *State {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := [2]string{name, target}
	s := r.channels[id]
	if s == nil {
		s = newState(r, name, target)
		r.channels[id] = s
	}
	return s
}

// Epochs returns counters of the changes that can make a plan obsolete: changes
// of health, and of limits of keys.
func (r *Registry) Epochs() (health, limits uint64) {
	return r.health.Load(), r.limits.Load()
}

// RequestFingerprint identifies a request without storing it. It changes with
// every run of the program.
func (r *Registry) RequestFingerprint(body []byte) uint64 { return maphash.Bytes(r.salt, body) }

// AnyPreferred reports whether any channel is preferred.
func (r *Registry) AnyPreferred() bool { return r.preferred.Load() > 0 }

// KeyIdentity returns the ID of a key with a label, "" for none, of a channel with a target, and a print
// of its value, which stays when the label or the target changes.
func (r *Registry) KeyIdentity(target, label, secret string) (id, print string) {
	k := Key{fingerprint: r.fingerprint(target, secret)}
	return k.IDWith(label), r.fingerprint("", secret)[:16]
}

// fingerprint identifies a secret of a target without revealing it.
func (r *Registry) fingerprint(target, secret string) string {
	mac := r.macs.Get().(hash.Hash)
	defer r.macs.Put(mac)
	mac.Reset()
	mac.Write([]byte(target))
	mac.Write([]byte{0})
	mac.Write([]byte(secret))
	return hex.EncodeToString(mac.Sum(nil))
}

func (r *Registry) changed(c Change) {
	if c.Kind.OfKey() {
		r.limits.Add(1)
	} else {
		r.health.Add(1)
	}
	r.onChange(c)
}
