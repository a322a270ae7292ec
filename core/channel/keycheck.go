package channel

import (
	"fmt"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config/wording"
)

// checkPrefix is the prefix of reasons that come from a health check.
const checkPrefix = "health check: "

// skip returns the code for an active rate limit or cooldown of a key.
func (c *cooldown) skip() Skip {
	if strings.HasPrefix(c.reason, checkPrefix) {
		return SkipCooldown
	}
	return SkipRateLimited
}

// SetChecked records the result of a health check of the key: why it is not
// used, or "" if it works. This does not end a cooldown that was caused by an
// answer to a request, and no failure is counted.
func (k *Key) SetChecked(now time.Time, skip Skip, wait time.Duration, reason string) {
	if skip == "" {
		k.confirm()
		return
	}
	kind, c, first, top := ChangeKeyCooldown, &k.rateLimited, firstRateLimit, topRateLimit
	switch skip {
	case SkipQuotaSpent:
		kind, c, first, top = ChangeKeyQuotaSpent, &k.quotaSpent, quotaCooldown, quotaCooldown
	case SkipInvalidKey:
		kind, c, first, top = ChangeKeyInvalid, &k.invalid, firstInvalid, topInvalid
	}
	k.mu.Lock()
	if skip == SkipInvalidKey {
		k.invalidFor = nil
	}
	began := c.start(now, wait, first, top, checkPrefix+reason)
	k.update()
	left := c.remaining(now)
	k.mu.Unlock()
	if began {
		k.announce(kind, fmt.Sprintf("%s, not used for %s: %s%s", skip.Text(), wording.Duration(left), checkPrefix, reason))
	}
}

// confirm clears the restrictions that a passed check disproves.
func (k *Key) confirm() {
	k.mu.Lock()
	checked := strings.HasPrefix(k.rateLimited.reason, checkPrefix)
	usable := k.invalid.set() || k.quotaSpent.set() || checked
	k.invalid, k.invalidFor, k.quotaSpent = cooldown{}, nil, cooldown{}
	if checked {
		k.rateLimited = cooldown{}
	}
	k.update()
	k.mu.Unlock()
	if usable {
		k.announce(ChangeKeyUsable, "usable again: its health check passed")
	}
}

// SetCheckError records why the channel's health check could not be made, "" if it could.
func (s *State) SetCheckError(reason string) {
	s.mu.Lock()
	s.checkError = reason
	s.mu.Unlock()
}
