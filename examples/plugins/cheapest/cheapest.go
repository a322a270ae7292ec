package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// settings is what a user writes in the block: strategy "cheapest" { … }.
type settings struct {
	Prices  map[string]float64 `hcl:"prices" doc:"What a million tokens cost at each channel: { primary = 3, backup = 0.5 }. A channel without a price is tried last."`
	Budget  float64            `hcl:"budget,optional" doc:"What may be spent in a day, UTC. When it is spent, only fallback channels serve. 0: no limit."`
	Session string             `hcl:"session,optional" doc:"The header that names a session. Its requests stay on the channel that served it, so that the site's prompt cache is used."`
}

var defaults = settings{Session: "x-session-id"}

var cheapest = sdk.Factory{
	Name: "cheapest",
	Doc: `Tries the cheapest channel first, and stops at a budget.

What was spent is computed from the tokens that sites report, and kept across restarts; it is checked every 5 seconds, so a little more than the budget can be spent. A session stays on the channel that served it for as long as that channel is available and no fallback.`,
	Settings:  defaults,
	OnFailure: "priority",
	New:       func() sdk.Component { return &strategy{settings: defaults, now: time.Now} },
}

// strategy is one instance: there is one for each route that names it.
type strategy struct {
	settings settings
	now      func() time.Time

	mu       sync.Mutex // methods are called by several goroutines at once
	ledger   ledger
	sessions sessions
}

// Configure checks what the schema cannot.
func (s *strategy) Configure(_ context.Context, cfg sdk.Config) error {
	if err := cfg.Decode(&s.settings); err != nil {
		return err
	}
	var errs []error
	for _, channel := range slices.Sorted(maps.Keys(s.settings.Prices)) {
		switch {
		case s.settings.Prices[channel] < 0:
			errs = append(errs, &sdk.ConfigError{Path: []string{"prices", channel}, Message: "a price is 0 or more"})
		case cfg.Members != nil && !slices.Contains(cfg.Members, channel):
			errs = append(errs, &sdk.ConfigError{Path: []string{"prices", channel}, Message: fmt.Sprintf("the route has no channel %q", channel), Hint: fmt.Sprintf("use one of %q", cfg.Members)})
		}
	}
	if s.settings.Budget < 0 {
		errs = append(errs, &sdk.ConfigError{Path: []string{"budget"}, Message: "a budget is 0 or more"})
	}
	return errors.Join(errs...)
}

// Close has nothing to close.
func (s *strategy) Close() error { return nil }

// Plan orders the channels by price, fallback channels last. It is renewed exactly at
// midnight, when the budget is new.
func (s *strategy) Plan(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.restore(req.State)
	now := s.now().UTC()
	s.ledger.turn(now)
	plan := sdk.Plan{
		TTL:          min(5*time.Second, untilMidnight(now)),
		TTLExact:     true,
		InvalidateOn: []sdk.Change{sdk.ChangeMembership},
		State:        s.ledger.save(),
		Reason:       fmt.Sprintf("by price; %.2f spent today", s.ledger.Spent),
	}
	if s.settings.Session != "" {
		plan.Attributes = []string{"header." + s.settings.Session} // what Route and Observe get
	}
	for _, c := range req.Channels {
		if _, priced := s.settings.Prices[c.ID]; !priced && !c.Fallback {
			plan.Warnings = append(plan.Warnings, sdk.Warning{Path: []string{"prices"}, Message: fmt.Sprintf("the channel %q has no price: it is tried last", c.ID)})
		}
	}
	if s.spent() {
		plan.None = &sdk.None{Reason: fmt.Sprintf("the budget of %.2f for today is spent", s.settings.Budget), Fallbacks: true}
		return plan, nil
	}
	for _, fallback := range []bool{false, true} {
		if group := s.byPrice(req.Channels, fallback); len(group.Members) > 0 {
			plan.Groups = append(plan.Groups, group)
		}
	}
	return plan, nil
}

func (s *strategy) spent() bool { return s.settings.Budget > 0 && s.ledger.Spent >= s.settings.Budget }

// byPrice returns the channels that are fallbacks, or those that are not, the cheapest first.
func (s *strategy) byPrice(channels []sdk.Snapshot, fallback bool) sdk.Group {
	group := sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleOrder}}
	for _, c := range channels {
		if c.Fallback == fallback {
			group.Members = append(group.Members, sdk.Member{ID: c.ID, Weight: c.Weight})
		}
	}
	price := func(id string) float64 {
		if p, ok := s.settings.Prices[id]; ok {
			return p
		}
		return math.Inf(1)
	}
	slices.SortStableFunc(group.Members, func(a, b sdk.Member) int { return cmp.Compare(price(a.ID), price(b.ID)) })
	return group
}

var _ sdk.RequestRouter = (*strategy)(nil)

// Route keeps a session on the channel that served it, unless that is a fallback: then the
// plan decides again.
func (s *strategy) Route(_ context.Context, req sdk.RouteRequest) (sdk.RouteReply, error) {
	session := req.Attributes["header."+s.settings.Session]
	if session == "" {
		return sdk.RouteReply{}, nil
	}
	s.mu.Lock()
	channel := s.sessions.channel(session)
	s.mu.Unlock()
	for _, c := range req.Channels {
		if c.ID == channel && c.Available && !c.Fallback {
			return sdk.RouteReply{Order: []string{channel}, Reason: "served the session before"}, nil
		}
	}
	return sdk.RouteReply{}, nil
}

// Observe counts what was spent, and remembers which channel served a session.
func (s *strategy) Observe(_ context.Context, results []sdk.RequestResult) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range results {
		if session := r.Attributes["header."+s.settings.Session]; session != "" && r.Status == 200 {
			s.sessions.remember(session, r.Channel)
		}
		s.ledger.turn(s.now().UTC())
		s.ledger.Spent += s.settings.Prices[r.Channel] * float64(r.TokensIn+r.TokensOut) / 1e6 // also of answers that were cut off
	}
	return nil
}
