package admin

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/channel"
)

// State is the state of a channel in one word, which the API, the panel and the commands show.
type State string

// The states, from good to bad. A channel that is unknown, ready or degraded
// gets requests.
const (
	StateUnknown     State = "unknown"      // never tried
	StateReady       State = "ready"        // it works
	StateDegraded    State = "degraded"     // it gets requests, but many fail, most of its keys are unavailable, or it is at a limit
	StateCoolingDown State = "cooling_down" // it gets no requests for a while, and is then tried again
	StateDown        State = "down"         // it gets no requests until something is repaired
	StatePaused      State = "paused"       // by the user
)

// Reasons of states, in addition to the codes in [Channel.Out].
const (
	ReasonNeverTried = "never_tried"
	ReasonNoKey      = "no_key"        // none of its keys is available
	ReasonRejected   = "keys_rejected" // some endpoints reject the keys, others are still tried with them
	ReasonKeysOut    = "keys_out"      // more than half of its keys are not available
	ReasonFailing    = "failing"       // more than a tenth of its recent requests failed
)

const (
	outPaused         = "paused"
	outFull           = "full"
	outAtLimit        = "at_limit"
	outBreakerOpen    = "breaker_open"
	outBreakerProbing = "breaker_probing"
	outBlocked        = "blocked"
	outNoEgress       = "no_egress"
	keyInvalid        = "invalid_key"
	keyReady          = "ready"
	keySuspect        = "suspect" // available, but used last

	fewRequests = 20  // with fewer requests in the last ten minutes, their failures are ignored
	goodShare   = 0.9 // of successes in the last ten minutes
)

// assess returns the state of a channel and its reason, "" if there is none, from the other
// fields.
func (c Channel) assess() (State, string) {
	switch {
	case !c.Enabled:
		return StatePaused, outPaused
	case c.Out == outBreakerOpen || c.Out == outBreakerProbing || c.Out == outBlocked || c.Out == outNoEgress:
		return StateCoolingDown, c.Out
	case c.Out != "" && !c.atLimit() && c.Out != ReasonNoKey:
		return StateDown, c.Out
	case c.Keys.Total > 0 && c.Keys.Alive == 0:
		return c.withoutKey()
	case c.Out != "":
		return StateDegraded, c.Out
	case 2*(c.Keys.Total-c.Keys.Alive) > c.Keys.Total:
		return StateDegraded, ReasonKeysOut
	case c.failing():
		return StateDegraded, ReasonFailing
	case c.Stats.LastRequestAt == nil && c.Health != "up": // at its present address
		return StateUnknown, ReasonNeverTried
	}
	return StateReady, ""
}

// withoutKey returns the state of a channel without an available key: rate-limited keys become
// available by themselves, while the user has to replace invalid ones. A key that only some
// endpoints reject is still tried at others.
func (c Channel) withoutKey() (State, string) {
	state := StateDown
	for _, k := range c.Keys.List {
		switch {
		case len(k.InvalidFor) > 0:
			return StateDegraded, ReasonRejected
		case k.State != keyInvalid:
			state = StateCoolingDown
		}
	}
	return state, ReasonNoKey
}

// rejecting returns the endpoints that reject keys of the channel.
func (c Channel) rejecting() (all []string) {
	for _, k := range c.Keys.List {
		all = append(all, k.InvalidFor...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// failing reports whether too many of the requests of the last ten minutes
// failed.
func (c Channel) failing() bool {
	var requests, failures uint64
	for _, p := range c.Recent {
		requests += p.Requests
		failures += p.Failures
	}
	return requests >= fewRequests && float64(requests-min(failures, requests)) < goodShare*float64(requests)
}

// Assessed returns the channel with its state.
func (c Channel) Assessed() Channel {
	c.State, c.StateReason = c.assess()
	return c
}

// Available reports whether the channel would be sent a request now, or as soon as
// it is no longer at a limit of the configuration, for which requests wait.
func (c Channel) Available() bool {
	switch c.State {
	case StateUnknown, StateReady, StateDegraded:
		return c.Out == "" || c.atLimit()
	}
	return false
}

// atLimit reports whether a limit of the configuration is the only reason that the channel gets no
// requests.
func (c Channel) atLimit() bool { return c.Out == outFull || c.Out == outAtLimit }

// Summarize counts assessed channels by state, and returns the state of all of them.
func Summarize(channels []Channel) ChannelSummary {
	out := ChannelSummary{Total: len(channels), States: map[State]int{}}
	for _, c := range channels {
		out.States[c.State]++
		if c.Available() {
			out.Healthy++
		}
	}
	paused := out.States[StatePaused]
	switch {
	case out.Total == 0:
		out.State = StateUnknown
	case paused == out.Total:
		out.State = StatePaused
	case out.Healthy == 0:
		out.State = StateDown
	case out.States[StateUnknown]+paused == out.Total:
		out.State = StateUnknown
	case out.States[StateUnknown]+out.States[StateReady]+paused == out.Total:
		out.State = StateReady
	default:
		out.State = StateDegraded
	}
	return out
}

// Text returns the state in words.
func (s State) Text() string {
	switch s {
	case StateCoolingDown:
		return "cooling down"
	case StateUnknown:
		return "not tried yet"
	}
	return string(s)
}

var reasonTexts = map[string]string{
	ReasonNeverTried: "not tried yet",
	ReasonKeysOut:    "most of its keys are unavailable",
	ReasonFailing:    "many recent requests failed",
}

// Why returns the reason of the state in words, "" if there is none.
func (c Channel) Why() string {
	if c.StateReason == ReasonRejected {
		return rejects(c.rejecting()) + " its keys; other requests are still sent with them"
	}
	if text, ok := reasonTexts[c.StateReason]; ok {
		return text
	}
	return channel.Skip(c.StateReason).Text()
}

// rejects returns a subject with its verb: "/v1/messages rejects", "/v1/messages and /v1/responses reject".
func rejects(endpoints []string) string {
	last := len(endpoints) - 1
	if last < 1 {
		return strings.Join(endpoints, "") + " rejects"
	}
	return strings.Join(endpoints[:last], ", ") + " and " + endpoints[last] + " reject"
}

// Text describes the restriction: for what, and why.
func (r Restriction) Text() string {
	return cmp.Or(r.Model, r.Endpoint, "all models") + ": " + channel.Skip(r.State).Text()
}
