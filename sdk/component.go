package sdk

import (
	"context"
	"time"
)

// Kind says what a component is for.
type Kind string

// The kinds of component.
const (
	KindStrategy      Kind = "strategy"
	KindKeySelector   Kind = "key_selector"
	KindHealthChecker Kind = "health_checker"
)

// Component is one configured instance. Configure is called once before anything
// else, Close once at the end, after the last call has returned. An instance whose
// Configure failed is dropped without Close. The other methods may be called by
// several goroutines at once, and all must return when ctx ends: a plugin that keeps a
// call open for 5 seconds after its deadline is killed and started again. A call after
// Close, or another Close, may fail, but must neither panic nor hang.
//
// An error of Configure about one attribute should be a [*ConfigError], so that the
// user is shown its line in the configuration.
type Component interface {
	Configure(ctx context.Context, cfg Config) error
	Close() error
}

// Strategy plans the order in which the channels of a route are tried.
type Strategy interface {
	Component
	Plan(ctx context.Context, req PlanRequest) (Plan, error)
}

// KeySelector plans the order in which the keys of a channel are used.
type KeySelector interface {
	Component
	PlanKeys(ctx context.Context, req KeyPlanRequest) (Plan, error)
}

// HealthChecker finds out whether a channel, and its keys, work. It sends its
// requests through host.
type HealthChecker interface {
	Component
	Check(ctx context.Context, req CheckRequest, host Host) (CheckResult, error)
}

// RequestRouter is for a [Strategy] that must see each request. It is asked once for
// each, with a deadline of 20 ms. If it fails, the last plan decides, and after several
// failures in a row it is not asked for a while. It gets those parts of the request
// that its plan names: see [Plan].Attributes.
type RequestRouter interface {
	Route(ctx context.Context, req RouteRequest) (RouteReply, error)
}

// Observer is for a [Strategy] that wants to know how requests ended, for example to
// keep a session on the channel that served it. Results come in batches, in the
// background, about a second after the requests. Some are dropped if the plugin is too
// slow; an older aitunnel never calls it.
type Observer interface {
	Observe(ctx context.Context, results []RequestResult) error
}

// RequestResult is how one request of a route ended.
type RequestResult struct {
	Route      string            `json:"route"`
	Model      string            `json:"model,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"` // those that [RequestRouter] gets of the same request
	Channel    string            `json:"channel,omitempty"`    // that answered; "" if none did
	Status     int               `json:"status"`               // that the caller got; 499: the caller disconnected
	Attempts   int               `json:"attempts,omitempty"`
	TTFB       time.Duration     `json:"ttfb_ns,omitempty"`
	Duration   time.Duration     `json:"duration_ns,omitempty"`
	TokensIn   uint64            `json:"tokens_in,omitempty"` // as the site reports them; 0: it does not
	TokensOut  uint64            `json:"tokens_out,omitempty"`
	Cost       float64           `json:"cost,omitempty"` // in the currency of the price blocks; 0: unknown
	At         time.Time         `json:"at,omitzero"`    // when the request arrived
}

// Snapshot is the state of one candidate, a channel or a key.
type Snapshot struct {
	ID        string        `json:"id"`              // of a channel: its name
	Label     string        `json:"label,omitempty"` // keys only: the label of its key block
	Weight    float64       `json:"weight"`
	Fallback  bool          `json:"fallback,omitempty"`   // channels only: tried when no other is available
	Available bool          `json:"available"`            // false: the host would skip it now
	Health    Health        `json:"health,omitempty"`     // channels only
	TTFB      time.Duration `json:"ttfb_ns,omitempty"`    // moving average of the time to the first byte; 0: no samples
	InFlight  int           `json:"in_flight,omitempty"`  // requests
	ErrorRate float64       `json:"error_rate,omitempty"` // share of failures among the last minute's attempts, 0 to 1
	Requests  uint64        `json:"requests,omitempty"`   // attempts so far
	LastUsed  time.Time     `json:"last_used,omitzero"`
	LimitUsed float64       `json:"limit_used,omitempty"` // share of its limits in the configuration that is used now, 0 to 1; 0 without limits

	Egress      string  `json:"egress,omitempty"`       // channels only: the egress that requests take now; "" without egress blocks
	PriceFactor float64 `json:"price_factor,omitempty"` // channels only: what it charges, as a factor of a model's price; 0: an older aitunnel does not tell
}

// Headroom returns the share of its limits that a candidate has left, 0 to 1; 1 without
// limits, and from hosts that do not tell.
func (s Snapshot) Headroom() float64 { return max(0, 1-s.LimitUsed) }

// Health is the last result of a channel's health check.
type Health string

// The states of health. A channel without a check stays HealthUnknown, and is
// usable.
const (
	HealthUnknown Health = "unknown"
	HealthUp      Health = "up"
	HealthDown    Health = "down"
)

// Outcome sums up the attempts on one candidate since the last plan.
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

	// RouteOutcomes are the part of Outcomes that requests of this route caused; an
	// older aitunnel leaves them out. A channel can serve several routes.
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

	// Attributes are those that the plan names and the request has: an empty value, or
	// null, is left out. A string of the body comes without quotes, an object or an
	// array as JSON text. A value is cut off after 16 KiB.
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

// CheckResult is a checker's answer. A check that could not be made is an error
// instead.
type CheckResult struct {
	Healthy bool          `json:"healthy"` // of the channel
	Reason  string        `json:"reason,omitempty"`
	Latency time.Duration `json:"latency_ns,omitempty"`
	Keys    []KeyResult   `json:"keys,omitempty"` // about single keys; the others are left as they are
}

// KeyResult is the result of a check about one key.
type KeyResult struct {
	ID     string    `json:"id"`
	State  KeyState  `json:"state"`
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"` // of [KeyCooldown]; zero: for a minute
}

// KeyState is what a check says about a key.
type KeyState string

// The states of a key. A state that the host does not know is ignored.
const (
	KeyOK       KeyState = "ok"       // it works: a cooldown of the whole key ends, a rate limit for one model does not
	KeyCooldown KeyState = "cooldown" // it is not used until a time, a minute if none is given, or until a check says [KeyOK]
	KeySpent    KeyState = "spent"    // its balance is used up: it is not used for an hour, which each such check starts again, or until [KeyOK]
	KeyInvalid  KeyState = "invalid"  // the site rejects it: it is tried again from time to time, or used again after [KeyOK]
)

// Host is what a component can ask of the program that runs it.
type Host interface {
	// Probe sends one small request to the channel under check. The host adds
	// scheme, address and key, follows no redirect, and returns at most 64 KiB of
	// the body.
	Probe(ctx context.Context, req ProbeRequest) (ProbeResult, error)
}

// ProbeRequest is a request below the channel's base path.
type ProbeRequest struct {
	Method string            `json:"method,omitempty"` // default GET
	Path   string            `json:"path"`
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`
	KeyID  string            `json:"key_id,omitempty"` // of [CheckRequest].Keys; "": any usable one
}

// ProbeResult is the channel's answer.
type ProbeResult struct {
	Status  int               `json:"status"`
	Header  map[string]string `json:"header,omitempty"`
	Body    []byte            `json:"body,omitempty"`
	Latency time.Duration     `json:"latency_ns"` // until the answer's headers
}
