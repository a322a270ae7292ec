package sdk

import (
	"context"
	"time"
)

// Kind is the kind of a component.
type Kind string

// The kinds of components.
const (
	KindStrategy      Kind = "strategy"
	KindKeySelector   Kind = "key_selector"
	KindHealthChecker Kind = "health_checker"
)

// Component is one configured instance: there is one for each block of a configuration
// that names the component. It is a [Strategy], a [KeySelector] or a [HealthChecker].
//
// Configure is called once, before anything else, and has 10 s. Close is called once,
// after the last call has returned, and has 10 s; it is not called if Configure failed.
// The other methods may be called by several goroutines at once. All methods must return
// when ctx ends: a plugin that keeps a call open for 5 s after its deadline is killed and
// started again. Calls after Close, and a second Close, may fail, but must neither panic
// nor hang.
//
// An error of Configure about one setting should be a [*ConfigError], so that the user
// is shown its line in the configuration.
type Component interface {
	Configure(ctx context.Context, cfg Config) error
	Close() error
}

// Strategy plans the order in which the channels of a route are tried. Plan has 2 s, and 1 s
// for the first plan when aitunnel starts. If it returns an error, or an invalid plan, the
// last valid plan stays in use.
type Strategy interface {
	Component
	Plan(ctx context.Context, req PlanRequest) (Plan, error)
}

// KeySelector plans the order in which the keys of a channel are used. The time allowed and
// errors are those of [Strategy].
type KeySelector interface {
	Component
	PlanKeys(ctx context.Context, req KeyPlanRequest) (Plan, error)
}

// HealthChecker checks whether a channel, and its keys, work. It sends its requests through
// host. Check has the timeout of the health_check block, by default 5 s. An error means
// that nothing was learned: the health of the channel stays as it was.
type HealthChecker interface {
	Component
	Check(ctx context.Context, req CheckRequest, host Host) (CheckResult, error)
}

// RequestRouter is implemented by a [Strategy] that must see each request. Route is called
// once for each request, with a deadline of 20 ms. If it fails, the last plan decides, and
// after several failures in a row it is not called for a while. It gets the parts of the
// request that the plan names: see [Plan].Attributes.
type RequestRouter interface {
	Route(ctx context.Context, req RouteRequest) (RouteReply, error)
}

// Observer is implemented by a [Strategy] that needs to know how requests ended, for
// example to keep a session on the channel that served it. Results come in batches, in the
// background, about a second after the requests; a call has 2 s. Results are dropped if the
// plugin is too slow. An older aitunnel never calls it.
type Observer interface {
	Observe(ctx context.Context, results []RequestResult) error
}

// RequestResult is how one request of a route ended.
type RequestResult struct {
	Route      string            `json:"route"`
	Model      string            `json:"model,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`  // the same as in the [RouteRequest]
	Channel    string            `json:"channel,omitempty"`     // the channel that answered; "" if none did
	Status     int               `json:"status"`                // the status that the caller got; 499: the caller disconnected
	Attempts   int               `json:"attempts,omitempty"`    // including the successful one
	TTFB       time.Duration     `json:"ttfb_ns,omitempty"`     // until the first byte of the answer; 0: there was none
	Duration   time.Duration     `json:"duration_ns,omitempty"` // until the end of the answer
	TokensIn   uint64            `json:"tokens_in,omitempty"`   // of the prompt, as the site reports them; 0: not reported
	TokensOut  uint64            `json:"tokens_out,omitempty"`  // of the answer, as the site reports them; 0: not reported
	Cost       float64           `json:"cost,omitempty"`        // in the currency of the price blocks; 0: unknown
	At         time.Time         `json:"at,omitzero"`           // when the request arrived
}

// Snapshot is the state of one candidate, a channel or a key.
type Snapshot struct {
	ID        string        `json:"id"`                   // the name of a channel, the ID of a key
	Label     string        `json:"label,omitempty"`      // keys only: the label of its key block
	Weight    float64       `json:"weight"`               // as configured, 0 or more
	Fallback  bool          `json:"fallback,omitempty"`   // channels only: used only when no other is available
	Available bool          `json:"available"`            // false: the host would skip it now
	Health    Health        `json:"health,omitempty"`     // channels only
	TTFB      time.Duration `json:"ttfb_ns,omitempty"`    // moving average of the time to the first byte; 0: no samples
	InFlight  int           `json:"in_flight,omitempty"`  // attempts started and not yet finished
	ErrorRate float64       `json:"error_rate,omitempty"` // share of failures among the attempts of the last minute, 0 to 1
	Requests  uint64        `json:"requests,omitempty"`   // attempts so far
	LastUsed  time.Time     `json:"last_used,omitzero"`   // zero: never
	LimitUsed float64       `json:"limit_used,omitempty"` // share of its limits in the configuration that is used now, 0 to 1; 0 without limits

	Egress      string  `json:"egress,omitempty"`       // channels only: the egress that is used now; "" without egress blocks
	PriceFactor float64 `json:"price_factor,omitempty"` // channels only: what it charges, as a factor of a model's price; 0: not reported, by an older aitunnel
}

// Headroom returns the share of its limits that a candidate has left, 0 to 1. It is 1
// without limits, and if the host does not report LimitUsed.
func (s Snapshot) Headroom() float64 { return max(0, 1-s.LimitUsed) }

// Health is the last result of a channel's health check.
type Health string

// The states of health. A channel without a health check stays HealthUnknown, and is
// available.
const (
	HealthUnknown Health = "unknown"
	HealthUp      Health = "up"
	HealthDown    Health = "down"
)

// Outcome is the sum of the attempts on one candidate since the last plan.
type Outcome struct {
	ID        string        `json:"id"`
	Successes uint64        `json:"successes,omitempty"`
	Failures  uint64        `json:"failures,omitempty"`
	TTFB      time.Duration `json:"ttfb_ns,omitempty"` // mean over the successes
}

// PlanRequest asks a [Strategy] for a plan. Channels are in the order of the
// configuration.
type PlanRequest struct {
	Route    string     `json:"route"`
	Channels []Snapshot `json:"channels"`
	Outcomes []Outcome  `json:"outcomes,omitempty"`
	State    []byte     `json:"state,omitempty"` // [Plan].State of the last plan, also across a restart of the plugin

	// RouteOutcomes are the part of Outcomes from requests of this route: a channel can
	// serve several routes. An older aitunnel leaves them out.
	RouteOutcomes []Outcome `json:"route_outcomes,omitempty"`
}

// KeyPlanRequest asks a [KeySelector] for a plan. Keys are in the order of the
// configuration.
type KeyPlanRequest struct {
	Channel  string     `json:"channel"`
	Keys     []Snapshot `json:"keys"`
	Outcomes []Outcome  `json:"outcomes,omitempty"`
	State    []byte     `json:"state,omitempty"`
}

// RouteRequest asks a [RequestRouter] for the order of one request.
type RouteRequest struct {
	Route string `json:"route"`
	Model string `json:"model,omitempty"`

	// Attributes are those that the plan names and the request has; an empty value, or
	// null, is left out. A string from the body is without quotes, an object or array is
	// JSON text. Values longer than 16 KiB are cut off.
	Attributes map[string]string `json:"attributes,omitempty"`

	Channels []Snapshot `json:"channels"`
}

// RouteReply names channels in the order in which they are tried. The others follow in
// the order of the plan. A name that is not a channel of the route is ignored, with a
// warning.
type RouteReply struct {
	Order  []string `json:"order"`
	Reason string   `json:"reason,omitempty"`
}

// CheckRequest asks a [HealthChecker] about one channel.
type CheckRequest struct {
	Channel string     `json:"channel"`
	Models  []string   `json:"models,omitempty"` // the channel's own list; patterns are possible
	Keys    []CheckKey `json:"keys,omitempty"`   // to probe with: see [ProbeRequest].KeyID
}

// CheckKey is one of the keys of a channel under check.
type CheckKey struct {
	ID    string `json:"id"`
	Label string `json:"label,omitempty"`
}

// CheckResult is the result of a check. If the check could not be made, Check returns an
// error instead.
type CheckResult struct {
	Healthy bool          `json:"healthy"`              // whether the channel works
	Reason  string        `json:"reason,omitempty"`     // for users; required if Healthy is false
	Latency time.Duration `json:"latency_ns,omitempty"` // shown to users; 0: not measured
	Keys    []KeyResult   `json:"keys,omitempty"`       // about single keys; the others stay as they are
}

// KeyResult is the result of a check about one key.
type KeyResult struct {
	ID     string    `json:"id"` // of the [CheckKey]
	State  KeyState  `json:"state"`
	Reason string    `json:"reason,omitempty"` // for users; required unless State is [KeyOK]
	Until  time.Time `json:"until,omitzero"`   // for [KeyCooldown]; zero: for a minute
}

// KeyState is the state of a key according to a check.
type KeyState string

// The states of a key. A state that the host does not know is ignored.
const (
	KeyOK       KeyState = "ok"       // it works: ends a cooldown of the whole key, but not a rate limit for one model
	KeyCooldown KeyState = "cooldown" // it is not used until [KeyResult].Until, or until a check reports [KeyOK]
	KeySpent    KeyState = "spent"    // its balance is used up: it is not used for an hour after the last check that reports this, or until [KeyOK]
	KeyInvalid  KeyState = "invalid"  // the site rejects it: it is disabled, and tried again from time to time, or used again after [KeyOK]
)

// Host is the program that runs the component.
type Host interface {
	// Probe sends one small request to the channel that is checked. The host adds
	// scheme, address and key, does not follow redirects, and returns at most 64 KiB of
	// the body. The error is [ErrUnavailable] if the host could not make the probe, which
	// says nothing about the channel; any other error means that the channel cannot be
	// reached.
	Probe(ctx context.Context, req ProbeRequest) (ProbeResult, error)
}

// ProbeRequest is a request below the channel's base path.
type ProbeRequest struct {
	Method string            `json:"method,omitempty"` // by default GET
	Path   string            `json:"path"`             // begins with a slash; may contain a query
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`
	KeyID  string            `json:"key_id,omitempty"` // one of [CheckRequest].Keys; "": any key that is available
}

// ProbeResult is the channel's answer.
type ProbeResult struct {
	Status  int               `json:"status"`
	Header  map[string]string `json:"header,omitempty"`
	Body    []byte            `json:"body,omitempty"`
	Latency time.Duration     `json:"latency_ns"` // until the headers of the answer
}
