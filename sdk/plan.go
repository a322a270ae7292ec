package sdk

import "time"

// Plan tells the host how to choose until the plan expires. It is advice: the
// host checks every member again at every pick.
type Plan struct {
	// Groups are failover tiers: the second is asked when the first has no
	// member left that can be used.
	Groups []Group `json:"groups"`

	// TTL is the age at which the host asks for a new plan, in the background.
	// The host clamps it to between 100 ms and 1 h; 0 means 30 s.
	TTL time.Duration `json:"ttl_ns,omitempty"`

	// MaxStale is how long the plan may serve when no newer one can be had;
	// 0 means for as long as it takes.
	MaxStale time.Duration `json:"max_stale_ns,omitempty"`

	// InvalidateOn names what makes the plan obsolete before its TTL.
	InvalidateOn []Change `json:"invalidate_on,omitempty"`

	// State is handed back with the next request; at most 64 KiB.
	State []byte `json:"state,omitempty"`

	// Attributes are the parts of a request that a [RequestRouter] is told while
	// this plan serves: "header.NAME", "query.NAME" and "body.PATH". The user's
	// configuration has to allow those of the body, and the caller's credential
	// is never among them. At most 32.
	Attributes []string `json:"attributes,omitempty"`

	// Reason is shown to the user beside the picks of this plan.
	Reason string `json:"reason,omitempty"`
}

// Group is one tier of a plan.
type Group struct {
	Members []Member `json:"members"`
	Rule    Rule     `json:"rule"`
}

// Member is one candidate of a group.
type Member struct {
	ID          string  `json:"id"`
	Weight      float64 `json:"weight,omitempty"`        // finite, 0 or more; 0 is chosen only when no other is left
	MaxInFlight int     `json:"max_in_flight,omitempty"` // 0: no limit
}

// Rule orders the members of a group.
type Rule struct {
	Kind RuleKind `json:"kind"`

	// Hash lists the request attributes that [RuleHash] hashes, such as
	// "header.x-session-id" or "body.metadata.user_id"; the first one that the
	// request carries is used. A request with none of them is spread by load.
	Hash []string `json:"hash,omitempty"`
}

// RuleKind names a way of ordering members.
type RuleKind string

// The rules the host knows. A plan with any other is refused.
const (
	RuleOrder          RuleKind = "order"           // as listed
	RuleCycle          RuleKind = "cycle"           // the one picked longest ago
	RuleSmoothWRR      RuleKind = "smooth_wrr"      // in turn, in proportion to weight
	RuleWeightedRandom RuleKind = "weighted_random" // by chance, in proportion to weight
	RuleLeastLoad      RuleKind = "least_load"      // fewest requests in flight for its weight
	RuleP2C            RuleKind = "p2c"             // the less loaded of two drawn at random
	RuleHash           RuleKind = "hash"            // the same member for the same attribute
)

// Change is something that can make a plan obsolete.
type Change string

// The changes a plan can ask to be dropped at. Latency and load are not among
// them: a plan that depends on those has a short TTL.
const (
	ChangeHealth     Change = "health"     // a candidate became usable or unusable
	ChangeMembership Change = "membership" // a candidate was added, removed or reweighted
	ChangeLimits     Change = "limits"     // a key's cooldown began or ended
)
