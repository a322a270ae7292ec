package route

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/attribute"
)

// Bounds of what a plan may ask for.
const (
	minTTL     = 100 * time.Millisecond
	maxTTL     = time.Hour
	defaultTTL = 30 * time.Second
	maxState   = 64 << 10

	maxAttributes = 32
	maxWarnings   = 16
	maxWarning    = 300 // bytes
)

// plan is a checked sdk.Plan whose members are indices in the list of candidates. Only the
// queues of its groups ever change.
type plan struct {
	seq        uint64
	groups     []group
	reason     string
	state      []byte
	attributes []string // that router and observer are given
	made       time.Time
	expires    time.Time
	stale      time.Time // when it must no longer be used; zero: never
	onHealth   bool
	onLimits   bool
	health     uint64 // epochs when it was requested
	limits     uint64
	core       bool // the component gave none
	exact      bool // it is renewed when it expires, without a request
	none       *sdk.None
	fallbacks  bool // only fallback channels may serve
	warnings   []sdk.Warning
}

type group struct {
	rule    sdk.Rule
	members []member
	queue   *queue // guarded by the turns' mu; made on first use
}

// choose applies the plan: the first group with an available member decides. Without one,
// it returns no group.
func (by *plan) choose(t *turns, v view) (index int, g *group) {
	for i := range by.groups {
		if index, ok := t.choose(&by.groups[i], v); ok {
			return index, &by.groups[i]
		}
	}
	return 0, nil
}

// isFinal reports whether the plan overrides a router: it says that no channel may serve,
// or only fallback channels.
func (by *plan) isFinal() bool { return by.none != nil || by.fallbacks }

// clone returns a copy with queues of its own, for a dry run.
func (by *plan) clone() *plan {
	out := *by
	out.groups = slices.Clone(by.groups)
	for i := range out.groups {
		out.groups[i].queue = nil
	}
	return &out
}

type member struct {
	index  int
	weight float64
	max    int
	hash   uint64
}

// hashString is FNV-1a. It is the same in every process, so that sessions stay on their
// channels across restarts.
func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// CheckPlan returns what is wrong with a plan for the candidates with these
// ids, or nil if the plan is valid.
func CheckPlan(p sdk.Plan, ids []string) error {
	_, err := compile(p, ids)
	return err
}

// compile checks p against the candidates' ids, in order.
func compile(p sdk.Plan, ids []string) (*plan, error) {
	out := &plan{reason: p.Reason, state: p.State, attributes: p.Attributes, exact: p.TTLExact, none: p.None, warnings: p.Warnings[:min(len(p.Warnings), maxWarnings)]}
	if p.None != nil && len(p.Groups) > 0 {
		return nil, errors.New("it says that no channel may serve, but it has groups")
	}
	if p.None != nil && out.reason == "" {
		out.reason = p.None.Reason
	}
	if len(p.Attributes) > maxAttributes {
		return nil, fmt.Errorf("it asks for %d attributes of requests, the limit is %d", len(p.Attributes), maxAttributes)
	}
	for _, name := range p.Attributes {
		if !attribute.IsValid(name) {
			return nil, fmt.Errorf("it asks for %.40q, which is not an attribute of a request: use header.NAME, query.NAME, body.PATH, model or client", name)
		}
	}
	if len(p.State) > maxState {
		return nil, fmt.Errorf("its state has %d bytes, the limit is %d", len(p.State), maxState)
	}
	seen := make([]bool, len(ids))
	for gi, g := range p.Groups {
		if !knownRule(g.Rule.Kind) {
			return nil, fmt.Errorf("group %d: unknown rule %q", gi+1, g.Rule.Kind)
		}
		members := make([]member, 0, len(g.Members))
		for _, m := range g.Members {
			i := slices.Index(ids, m.ID)
			switch {
			case i < 0:
				return nil, fmt.Errorf("group %d: unknown member %q", gi+1, m.ID)
			case seen[i]:
				return nil, fmt.Errorf("group %d: member %q is listed twice", gi+1, m.ID)
			case math.IsNaN(m.Weight) || math.IsInf(m.Weight, 0) || m.Weight < 0:
				return nil, fmt.Errorf("group %d: member %q has weight %v, which must be finite and 0 or more", gi+1, m.ID, m.Weight)
			case m.MaxInFlight < 0:
				return nil, fmt.Errorf("group %d: member %q has max_in_flight %d", gi+1, m.ID, m.MaxInFlight)
			}
			seen[i] = true
			members = append(members, member{index: i, weight: m.Weight, max: m.MaxInFlight, hash: hashString(m.ID)})
		}
		normalize(members)
		out.groups = append(out.groups, group{rule: g.Rule, members: members})
	}
	if len(ids) > 0 && !slices.Contains(seen, true) && p.None == nil {
		return nil, fmt.Errorf("it names none of the %d candidates", len(ids))
	}
	out.onHealth = slices.Contains(p.InvalidateOn, sdk.ChangeHealth)
	out.onLimits = slices.Contains(p.InvalidateOn, sdk.ChangeLimits)
	return out, nil
}

// normalize scales the weights so that the heaviest is between 1/2 and 1: no sum
// overflows, and credits that outlive a plan are worth the same in the next. It
// scales by a power of two, which is exact.
func normalize(members []member) {
	var heaviest float64
	for _, m := range members {
		heaviest = max(heaviest, m.weight)
	}
	_, exponent := math.Frexp(heaviest)
	for i := range members {
		members[i].weight = math.Ldexp(members[i].weight, -exponent)
	}
}

func knownRule(k sdk.RuleKind) bool {
	switch k {
	case sdk.RuleOrder, sdk.RuleCycle, sdk.RuleSmoothWRR, sdk.RuleWeightedRandom, sdk.RuleLeastLoad, sdk.RuleP2C, sdk.RuleHash:
		return true
	}
	return false
}

func clampTTL(d time.Duration) time.Duration {
	if d == 0 {
		return defaultTTL
	}
	return min(max(d, minTTL), maxTTL)
}
