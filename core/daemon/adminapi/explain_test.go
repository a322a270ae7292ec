package adminapi

import (
	"slices"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/route"
)

// TestReasonsAreNotRepeated: the reason of a plan is shown above the choices, and a
// strategy's reason for the request in the first row.
func TestReasonsAreNotRepeated(t *testing.T) {
	shown := admin.Route{Strategy: "acme/router", Reason: "by price"}
	choice := func(name, reason string) route.Choice {
		return route.Choice{Channel: &route.Channel{Config: &config.Channel{Name: name, Weight: 1, Fallback: name == "spare"}}, Reason: reason}
	}
	last, random := choice("c", "unhealthy"), choice("b", "by price (random for each request)")
	last.Skip, random.Random = channel.SkipCooldown, true
	for name, test := range map[string]struct {
		choices []route.Choice
		want    []string
	}{
		"an order for the request, then the plan": {
			[]route.Choice{choice("a", "as asked"), choice("b", "as asked"), choice("c", "by price")},
			[]string{"as asked", "next, if a fails", "next, if b fails"},
		},
		"the plan, with a reason for the request": {
			[]route.Choice{choice("a", "by price; no preference"), choice("b", "by price; no preference"), choice("spare", "by price; no preference")},
			[]string{"the first choice of the strategy acme/router, weight 1; no preference", "next, if a fails", "a fallback: used if the channels before it fail"},
		},
		"random, then the last resort": {
			[]route.Choice{choice("a", "by price (random for each request)"), random, last},
			[]string{"the first choice of the strategy acme/router, weight 1 (random for each request)", "next, if a fails (random for each request)", "unhealthy (" + channel.SkipCooldown.Text() + ")"},
		},
		"another reason in each row": {
			[]route.Choice{choice("a", "preferred"), choice("b", "a fallback (failed: a)")},
			[]string{"preferred", "a fallback (failed: a)"},
		},
	} {
		var got []string
		for i := range test.choices {
			got = append(got, ownReason(test.choices, i, shown))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
