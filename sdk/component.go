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

// Component is the life of one configured instance. Configure is called once
// before anything else, and again only on a new instance; Close once at the
// end, after the last call has returned. An instance whose Configure failed is
// dropped without Close. The other methods may be called by several goroutines
// at once; all are to return when ctx ends. A call that comes after Close, or
// another Close, may fail, but must neither panic nor hang.
//
// An error of Configure that concerns one attribute should be a [*ConfigError],
// so that the user is shown the line of the configuration it stands on.
type Component interface {
	Configure(ctx context.Context, cfg Config) error
	Close() error
}

// Strategy says in what order the channels of a route are to be tried.
type Strategy interface {
	Component
	Plan(ctx context.Context, req PlanRequest) (Plan, error)
}

// KeySelector says in what order the keys of a channel are to be used.
type KeySelector interface {
	Component
	PlanKeys(ctx context.Context, req KeyPlanRequest) (Plan, error)
}

// HealthChecker finds out whether a channel works, by probing it through host.
type HealthChecker interface {
	Component
	Check(ctx context.Context, req CheckRequest, host Host) (CheckResult, error)
}

// RequestRouter is for a [Strategy] that must see each request. It is asked
// once for each, under a deadline of 20 ms; on any failure the last plan
// decides, and after several in a row it is not asked for a while. It is told
// those parts of the request that its plan names: see [Plan].Attributes.
type RequestRouter interface {
	Route(ctx context.Context, req RouteRequest) (RouteReply, error)
}

// Snapshot is what the host knows of one candidate, a channel or a key, at the
// moment of the request.
type Snapshot struct {
	ID        string        `json:"id"`
	Weight    float64       `json:"weight"`
	Fallback  bool          `json:"fallback,omitempty"` // channels only: tried when the others are not to be had
	Available bool          `json:"available"`          // false: the host would skip it now
	Health    Health        `json:"health,omitempty"`   // channels only
	TTFB      time.Duration `json:"ttfb_ns,omitempty"`  // moving average of the time to the first byte; 0: no samples
	InFlight  int           `json:"in_flight,omitempty"`
	ErrorRate float64       `json:"error_rate,omitempty"` // share of failures among the last minute's attempts, 0 to 1
	Requests  uint64        `json:"requests,omitempty"`   // attempts since the counters began
	LastUsed  time.Time     `json:"last_used,omitzero"`
}

// Health is the last known result of a channel's health check.
type Health string

// The states of health. A channel without a check stays HealthUnknown, and
// counts as usable.
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

// PlanRequest asks a [Strategy] for a plan. Channels stand in the order of the
// configuration.
type PlanRequest struct {
	Route    string     `json:"route"`
	Channels []Snapshot `json:"channels"`
	Outcomes []Outcome  `json:"outcomes,omitempty"`
	State    []byte     `json:"state,omitempty"` // [Plan].State of the last plan, also across a restart of the plugin
}

// KeyPlanRequest asks a [KeySelector] for a plan. Keys stand in the order of
// the configuration.
type KeyPlanRequest struct {
	Channel  string     `json:"channel"`
	Keys     []Snapshot `json:"keys"`
	Outcomes []Outcome  `json:"outcomes,omitempty"`
	State    []byte     `json:"state,omitempty"`
}

// RouteRequest asks a [RequestRouter] for the order of one request.
type RouteRequest struct {
	Route      string            `json:"route"`
	Model      string            `json:"model,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"` // the declared ones only
	Channels   []Snapshot        `json:"channels"`
}

// RouteReply names channels in the order they are to be tried; those it leaves
// out follow in the order of the plan.
type RouteReply struct {
	Order  []string `json:"order"`
	Reason string   `json:"reason,omitempty"`
}

// CheckRequest asks a [HealthChecker] about one channel.
type CheckRequest struct {
	Channel string   `json:"channel"`
	Models  []string `json:"models,omitempty"` // the channel's own list; patterns are possible
}

// CheckResult is a checker's answer. A check that could not be made at all is
// an error instead.
type CheckResult struct {
	Healthy bool          `json:"healthy"`
	Reason  string        `json:"reason,omitempty"`
	Latency time.Duration `json:"latency_ns,omitempty"`
}

// Host is what a component may ask of the program that runs it.
type Host interface {
	// Probe sends one small request to the channel under check. The host adds
	// scheme, address and credential, follows no redirect to another host and
	// returns at most 64 KiB of the body.
	Probe(ctx context.Context, req ProbeRequest) (ProbeResult, error)
}

// ProbeRequest is a request below the channel's base path.
type ProbeRequest struct {
	Method string            `json:"method,omitempty"` // default GET
	Path   string            `json:"path"`
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`
}

// ProbeResult is what the channel answered.
type ProbeResult struct {
	Status  int               `json:"status"`
	Header  map[string]string `json:"header,omitempty"`
	Body    []byte            `json:"body,omitempty"`
	Latency time.Duration     `json:"latency_ns"` // until the answer's headers
}
