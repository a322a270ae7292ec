package channel

import "strings"

// Change is something that happened to a channel or key.
type Change struct {
	Kind    ChangeKind
	Channel string
	Key     string // its ID; "" for a change of the channel
	Message string
}

// ChangeKind says what happened.
type ChangeKind string

// The kinds of change.
const (
	ChangeOutOfService   ChangeKind = "out_of_service" // by breaker or health check
	ChangeBlocked        ChangeKind = "blocked"        // the site refuses this address
	ChangeEgressDown     ChangeKind = "egress_down"    // the site cannot be reached through an egress
	ChangeEgressUp       ChangeKind = "egress_up"
	ChangeInService      ChangeKind = "in_service"
	ChangePaused         ChangeKind = "paused"
	ChangeResumed        ChangeKind = "resumed"
	ChangePreferred      ChangeKind = "preferred"
	ChangeNotPreferred   ChangeKind = "not_preferred"
	ChangeNoModel        ChangeKind = "no_model"
	ChangeNoEndpoint     ChangeKind = "no_endpoint"
	ChangeModelSuspect   ChangeKind = "model_suspect" // the channel, for one model
	ChangeKeyRateLimited ChangeKind = "key_rate_limited"
	ChangeKeyCooldown    ChangeKind = "key_cooldown" // by a health check
	ChangeKeyInvalid     ChangeKind = "key_invalid"
	ChangeKeyQuotaSpent  ChangeKind = "key_quota_spent"
	ChangeKeyNoAccess    ChangeKind = "key_no_access" // to one model
	ChangeKeySuspect     ChangeKind = "key_suspect"
	ChangeKeyUsable      ChangeKind = "key_usable"
)

// OfKey reports whether the change concerns a key.
func (k ChangeKind) OfKey() bool { return strings.HasPrefix(string(k), "key_") }

// IsProblem reports whether a channel or key became unusable, or suspect, because of a
// failure. A site that lacks a model or an endpoint has not failed, since callers may
// request any.
func (k ChangeKind) IsProblem() bool {
	switch k {
	case ChangeOutOfService, ChangeBlocked, ChangeEgressDown, ChangeModelSuspect, ChangeKeyRateLimited, ChangeKeyCooldown, ChangeKeyInvalid, ChangeKeyQuotaSpent, ChangeKeyNoAccess, ChangeKeySuspect:
		return true
	}
	return false
}
