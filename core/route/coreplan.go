package route

import (
	"cmp"
	"slices"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
)

// corePlan returns the plan that is used while the component gives none: round-robin
// unless the configuration sets another, with fallback channels last.
func corePlan(candidates []sdk.Snapshot, how config.OnFailure, reason string) sdk.Plan {
	rule := sdk.RuleCycle
	switch how {
	case config.OnFailurePriority:
		rule = sdk.RuleOrder
		candidates = slices.Clone(candidates)
		slices.SortStableFunc(candidates, func(a, b sdk.Snapshot) int { return cmp.Compare(b.Weight, a.Weight) })
	case config.OnFailureWeighted:
		rule = sdk.RuleSmoothWRR
	case config.OnFailureLeastBusy:
		rule = sdk.RuleLeastLoad
	}
	groups := [2]sdk.Group{{Rule: sdk.Rule{Kind: rule}}, {Rule: sdk.Rule{Kind: rule}}}
	for _, c := range candidates {
		tier := 0
		if c.Fallback {
			tier = 1
		}
		groups[tier].Members = append(groups[tier].Members, sdk.Member{ID: c.ID, Weight: c.Weight})
	}
	return sdk.Plan{Groups: groups[:], Reason: reason}
}

// corePlanName returns the name of the core plan for users.
func corePlanName(how config.OnFailure) string {
	if how == "" || how == config.OnFailureLastPlan { // there is none yet
		return string(config.OnFailureRoundRobin)
	}
	return string(how)
}
