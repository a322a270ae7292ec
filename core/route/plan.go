package route

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// Bounds of what a plan may ask for.
const (
	minTTL     = 100 * time.Millisecond
	maxTTL     = time.Hour
	defaultTTL = 30 * time.Second
	maxState   = 64 << 10

	maxAttributes    = 32
	maxAttributeName = 200
)

// plan is a checked sdk.Plan whose members are places in the list of
// candidates. It is never changed.
type plan struct {
	seq       uint64
	groups    []group
	reason    string
	state     []byte
	attrs     []string // that a router is told
	made      time.Time
	expires   time.Time
	stale     time.Time // from then on it must not serve; zero: never
	onHealth  bool
	onLimits  bool
	health    uint64 // epochs at which it was asked for
	limits    uint64
	makeshift bool // not the plugin's
}

type group struct {
	rule    sdk.Rule
	members []member
}

type member struct {
	index  int
	weight float64
	max    int
	hash   uint64
}

// hashString is FNV-1a: the same in every process, so that a restart moves no
// session.
func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// CheckPlan says what is wrong with a plan for the candidates with these ids,
// nil if it would be taken.
func CheckPlan(p sdk.Plan, ids []string) error {
	_, err := compile(p, ids)
	return err
}

// compile checks p against the candidates' ids, in order.
func compile(p sdk.Plan, ids []string) (*plan, error) {
	out := &plan{reason: p.Reason, state: p.State, attrs: p.Attributes}
	if len(p.Attributes) > maxAttributes {
		return nil, fmt.Errorf("it asks for %d attributes of requests, at most %d are told", len(p.Attributes), maxAttributes)
	}
	for _, name := range p.Attributes {
		if !knownAttribute(name) {
			return nil, fmt.Errorf("it asks for %.40q, which is no attribute of a request: those are header.NAME, query.NAME and body.PATH", name)
		}
	}
	if len(p.State) > maxState {
		return nil, fmt.Errorf("its state has %d bytes, at most %d are kept", len(p.State), maxState)
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
				return nil, fmt.Errorf("group %d: member %q stands twice", gi+1, m.ID)
			case math.IsNaN(m.Weight) || math.IsInf(m.Weight, 0) || m.Weight < 0:
				return nil, fmt.Errorf("group %d: member %q has weight %v, which must be finite and 0 or more", gi+1, m.ID, m.Weight)
			case m.MaxInFlight < 0:
				return nil, fmt.Errorf("group %d: member %q has max_in_flight %d", gi+1, m.ID, m.MaxInFlight)
			}
			seen[i] = true
			members = append(members, member{index: i, weight: m.Weight, max: m.MaxInFlight, hash: hashString(m.ID)})
		}
		level(members)
		out.groups = append(out.groups, group{rule: g.Rule, members: members})
	}
	if len(ids) > 0 && !slices.Contains(seen, true) {
		return nil, fmt.Errorf("it names none of the %d candidates", len(ids))
	}
	out.onHealth = slices.Contains(p.InvalidateOn, sdk.ChangeHealth)
	out.onLimits = slices.Contains(p.InvalidateOn, sdk.ChangeLimits)
	return out, nil
}

// level brings the weights to a heaviest between 1/2 and 1, as rules look at
// their proportions alone: so no sum overflows, and the credits that outlive a
// plan are worth as much in the next. By a power of two, which is exact.
func level(members []member) {
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
