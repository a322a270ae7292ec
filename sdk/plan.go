package sdk

import "time"

// Plan says how the host chooses until the plan expires. It is advice: at every pick, the
// host checks again whether a member is available.
type Plan struct {
	// Groups are failover tiers: the second is used when no member of the first is
	// available.
	Groups []Group `json:"groups"`

	// None says that no channel may be used now. Groups must be empty then. Strategies
	// only.
	None *None `json:"none,omitempty"`

	// TTL is the age after which the host asks for a new plan, in the background, at the
	// next request. The host limits it to between 100 ms and 1 h; 0 means 30 s.
	TTL time.Duration `json:"ttl_ns,omitempty"`

	// TTLExact makes the host ask for a new plan as soon as the TTL is over, even without
	// requests: for plans that depend on the time of day.
	TTLExact bool `json:"ttl_exact,omitempty"`

	// MaxStale is how long the plan may be used if the plugin gives no newer one. After
	// that, on_failure of the user's block decides. 0: no limit.
	MaxStale time.Duration `json:"max_stale_ns,omitempty"`

	// InvalidateOn lists changes after which the host asks for a new plan at once.
	InvalidateOn []Change `json:"invalidate_on,omitempty"`

	// State is passed back with the next request for a plan, also after a restart. At
	// most 64 KiB.
	State []byte `json:"state,omitempty"`

	// Attributes are the parts of a request that a [RequestRouter] and an [Observer]
	// get while this plan is in use: "model", "client", "header.NAME", "query.NAME" and
	// "body.PATH", where PATH is a gjson path such as messages.0.content, or
	// messages.#.content for all messages. Parts of the body must be allowed by the setting
	// expose of the user's block; the caller's credential is never passed on. At most 32.
	// See [RouteRequest].Attributes for their values.
	Attributes []string `json:"attributes,omitempty"`

	// Reason is a short sentence shown to the user with the picks of this plan.
	Reason string `json:"reason,omitempty"`

	// Warnings are shown to the user once, with the line of the block or setting.
	Warnings []Warning `json:"warnings,omitempty"`
}

// None says that no channel may be used, for example because a budget is used up.
// Requests are refused with the reason.
type None struct {
	Reason    string `json:"reason"`
	Fallbacks bool   `json:"fallbacks,omitempty"` // the route's fallback channels may still be used
}

// Warning is something that the user should know about the configuration.
type Warning struct {
	Path    []string `json:"path,omitempty"` // as in a [ConfigError]
	Message string   `json:"message"`
}

// Group is one tier of a plan.
type Group struct {
	Members []Member `json:"members"`
	Rule    Rule     `json:"rule"`
}

// Member is one candidate of a group.
type Member struct {
	ID          string  `json:"id"`
	Weight      float64 `json:"weight,omitempty"`        // finite, 0 or more; a member with 0 is used only when no other is available
	MaxInFlight int     `json:"max_in_flight,omitempty"` // 0: no limit
}

// Rule orders the members of a group.
type Rule struct {
	Kind RuleKind `json:"kind"`

	// Hash lists the attributes that [RuleHash] hashes, such as "header.x-session-id" or
	// "body.metadata.user_id"; the first one that the request has is used. A request with
	// none of them goes to the least loaded member.
	Hash []string `json:"hash,omitempty"`
}

// RuleKind names a way of ordering members.
type RuleKind string

// The rules that the host knows. A plan with another one is refused.
const (
	RuleOrder          RuleKind = "order"           // as listed
	RuleCycle          RuleKind = "cycle"           // the one picked longest ago
	RuleSmoothWRR      RuleKind = "smooth_wrr"      // in turn, in proportion to weight
	RuleWeightedRandom RuleKind = "weighted_random" // at random, in proportion to weight
	RuleLeastLoad      RuleKind = "least_load"      // the one with the fewest requests in flight for its weight
	RuleP2C            RuleKind = "p2c"             // the less loaded of two random ones
	RuleHash           RuleKind = "hash"            // the same member for the same attribute
)

// Change is a change that can make a plan obsolete.
type Change string

// The changes that can make a plan obsolete. Latency and load are not among them: a
// plan that depends on those needs a short TTL.
const (
	ChangeHealth     Change = "health"     // a candidate became available or unavailable
	ChangeMembership Change = "membership" // a candidate was added or removed, or its weight changed
	ChangeLimits     Change = "limits"     // a cooldown of a key began or ended
)
