package channel

import (
	"maps"
	"slices"
	"time"
)

// maxRejecting is how many operations may reject a key before it counts as invalid for all.
const maxRejecting = 8

// Invalidate records that the site rejected the key for the operation. It is tried again
// after 5 minutes, then 10, and so on up to an hour. wait is the time that the site gave,
// usually 0.
//
// Sites also reject good keys where they do not serve an API, or do not read its header.
// So if neither the key nor the operation ever got a good answer, the key is invalid for
// this operation only, and is used last for others.
func (k *Key) Invalidate(now time.Time, operation string, wait time.Duration, reason string) {
	served := k.channel.HasAnswered(operation)
	k.coolDown(now, ChangeKeyInvalid, SkipInvalidKey, reason, func() (*cooldown, bool) {
		known := k.invalid.active(now)
		switch {
		case served || operation == "" || k.proven() || known && k.invalidFor == nil || len(k.invalidFor) >= maxRejecting:
			k.invalidFor = nil
		case !known:
			k.invalidFor = []string{operation}
		case !slices.Contains(k.invalidFor, operation):
			k.invalidFor = append(k.invalidFor, operation)
		}
		return &k.invalid, k.invalid.start(now, wait, firstInvalid, topInvalid, reason)
	})
}

// RecordKeyRejection records that the site rejected a key that works for other operations, while no
// key works for this one. So other keys that it rejected here count as valid again. After
// two rejections in a row, the channel is not used for the operation.
func (s *State) RecordKeyRejection(now time.Time, operation string, wait time.Duration, reason string) {
	s.DenyEndpoint(now, operation, false, wait, "it rejects keys that work for other endpoints: "+reason)
	s.mu.Lock()
	keys := slices.Collect(maps.Values(s.keys))
	s.mu.Unlock()
	for _, k := range keys {
		k.clearRejection(operation)
	}
}

// clearRejection clears the rejection of the key by the operation.
func (k *Key) clearRejection(operation string) {
	k.mu.Lock()
	usable := false
	if i := slices.Index(k.invalidFor, operation); i >= 0 {
		k.invalidFor = slices.Delete(k.invalidFor, i, i+1)
		if usable = len(k.invalidFor) == 0; usable {
			k.invalid, k.invalidFor = cooldown{}, nil
		}
		k.update()
	}
	k.mu.Unlock()
	if usable {
		k.announce(ChangeKeyUsable, "usable again: the site rejects every key for "+operation)
	}
}

// WorksElsewhere reports whether no key of the channel got a good answer for the operation,
// although the key got some for others: for the model, if it is not empty.
func (k *Key) WorksElsewhere(model, operation string) bool {
	if !k.channel.lacks(operation) {
		return false
	}
	if model == "" && k.channel.mayLackEndpoint(operation) {
		return true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if model == "" {
		return k.proven()
	}
	m := k.models[model]
	return m != nil && !m.lastGood.IsZero()
}

// rejectedBy reports whether the invalid key must not be used for the operation; the caller
// holds mu.
func (k *Key) rejectedBy(operation string) bool {
	return k.invalidFor == nil || slices.Contains(k.invalidFor, operation)
}

// proven reports whether the key got a good answer; the caller holds mu.
func (k *Key) proven() bool {
	for _, m := range k.models {
		if !m.lastGood.IsZero() {
			return true
		}
	}
	return false
}

// mayLackEndpoint reports whether the last requests for the operation found no endpoint.
func (s *State) mayLackEndpoint(operation string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpoints[operation]
	return e != nil && e.misses > 0
}
