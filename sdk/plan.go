package sdk

import "time"

// Plan says how the host chooses until the plan expires. It is advice: the host checks
// every member again at every pick.
type Plan struct {
	// Groups are failover tiers: the second is used when no member of the first is
	// available.
	Groups []Group `json:"groups"`

	// None says that nobody may serve now. Groups must be empty then. Strategies
	// only.
	None *None `json:"none,omitempty"`

	// TTL is the age at which the host asks for a new plan, in the background, with
	// the next request that comes. The host limits it to between 100 ms and 1 h; 0
	// means 30 s.
	TTL time.Duration `json:"ttl_ns,omitempty"`

	// TTLExact asks for the new plan when the TTL is over, whether requests come or
	// not: for plans that depend on the clock.
	TTLExact bool `json:"ttl_exact,omitempty"`

	// MaxStale is how long the plan may be used while the plugin gives no newer one;
	// 0: no limit.
	MaxStale time.Duration `json:"max_stale_ns,omitempty"`

	// InvalidateOn names what makes the plan obsolete before its TTL.
	InvalidateOn []Change `json:"invalidate_on,omitempty"`

	// State comes back with the next request for a plan, also after a restart; at
	// most 64 KiB.
	State []byte `json:"state,omitempty"`

	// Attributes are the parts of a request that a [RequestRouter] and an [Observer]
	// get while this plan is in use: "model", "client", "header.NAME", "query.NAME" and
	// "body.PATH", where PATH is a path of gjson, such as messages.0.content, or
	// messages.#.content for all messages. The user's configuration must allow those of the body, and the
	// caller's credential is never among them. At most 32. For their values see
	// [RouteRequest].Attributes.
	Attributes []string `json:"attributes,omitempty"`

	// Reason is shown to the user with the picks of this plan.
	Reason string `json:"reason,omitempty"`

	// Warnings are shown to the user once, at the line of the block or attribute.
	Warnings []Warning `json:"warnings,omitempty"`
}

// None says that nobody may serve a request: a budget is spent, for example. The
// request is refused with the reason.
type None struct {
	Reason    string `json:"reason"`
	Fallbacks bool   `json:"fallbacks,omitempty"` // the route's fallback channels may serve all the same
}

// Warning is something about its configuration that the user should know.
type Warning struct {
	Path    []string `json:"path,omitempty"` // as of a [ConfigError]
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

	// Hash lists the request attributes that [RuleHash] hashes, such as
	// "header.x-session-id" or "body.metadata.user_id"; the first one that the
	// request has is used. A request with none of them goes to the least loaded.
	Hash []string `json:"hash,omitempty"`
}

// RuleKind names a way of ordering members.
type RuleKind string

// The rules that the host knows. A plan with another one is refused.
const (
	RuleOrder          RuleKind = "order"           // as listed
	RuleCycle          RuleKind = "cycle"           // the one picked longest ago
	RuleSmoothWRR      RuleKind = "smooth_wrr"      // in turn, in proportion to weight
	RuleWeightedRandom RuleKind = "weighted_random" // by chance, in proportion to weight
	RuleLeastLoad      RuleKind = "least_load"      // fewest requests in flight for its weight
	RuleP2C            RuleKind = "p2c"             // the less loaded of two random ones
	RuleHash           RuleKind = "hash"            // the same member for the same attribute
)

// Change is something that can make a plan obsolete.
type Change string

// The changes that can make a plan obsolete. Latency and load are not among them: a
// plan that depends on those has a short TTL.
const (
	ChangeHealth     Change = "health"     // a candidate became available or unavailable
	ChangeMembership Change = "membership" // a candidate was added, removed or reweighted
	ChangeLimits     Change = "limits"     // a key's cooldown began or ended
)
