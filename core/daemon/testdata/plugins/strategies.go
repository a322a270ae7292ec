package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// moody is a strategy that does what a file says, plan by plan.
var moody = sdk.Factory{
	Name: "moody", Doc: "Does what a file says.", Settings: moodySettings{},
	New: func() sdk.Component { return &moodyStrategy{} },
}

type moodySettings struct {
	File string `hcl:"file" doc:"Says what to do."`
}

type moodyStrategy struct{ settings moodySettings }

func (m *moodyStrategy) Configure(_ context.Context, c sdk.Config) error {
	return c.Decode(&m.settings)
}
func (m *moodyStrategy) Close() error { return nil }

func (m *moodyStrategy) Plan(ctx context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	mood, err := os.ReadFile(m.settings.File)
	if err != nil {
		return sdk.Plan{}, err
	}
	g := sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleOrder}}
	for i := range req.Channels { // the last first, so that its plans are known from fallback plans
		g.Members = append(g.Members, sdk.Member{ID: req.Channels[len(req.Channels)-1-i].ID, Weight: 1})
	}
	p := sdk.Plan{Groups: []sdk.Group{g}, TTL: 100 * time.Millisecond, Reason: "good mood"}
	switch string(mood) {
	case "unknown id":
		g.Members[0].ID = "nobody"
	case "NaN":
		g.Members[0].Weight = math.NaN()
	case "negative":
		g.Members[0].Weight = -1
	case "empty":
		p.Groups = nil
	case "twice":
		g.Members[0] = g.Members[1]
	case "no such rule":
		p.Groups[0].Rule.Kind = "astrology"
	case "error":
		return p, errors.New("no plan today")
	case "panic":
		panic("in a bad mood")
	case "exit":
		os.Exit(3)
	case "hang":
		<-ctx.Done()
		return p, ctx.Err()
	}
	return p, nil
}

// counting is a strategy that numbers its plans in its state.
var counting = sdk.Factory{
	Name: "counting", Doc: "Numbers its plans.", Settings: struct{}{},
	New: func() sdk.Component { return countingStrategy{} },
}

type countingStrategy struct{}

func (countingStrategy) Configure(context.Context, sdk.Config) error { return nil }
func (countingStrategy) Close() error                                { return nil }

func (countingStrategy) Plan(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	n, _ := strconv.Atoi(string(req.State))
	n++
	g := sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleCycle}}
	for _, c := range req.Channels {
		g.Members = append(g.Members, sdk.Member{ID: c.ID, Weight: 1})
	}
	return sdk.Plan{Groups: []sdk.Group{g}, TTL: time.Hour, State: []byte(strconv.Itoa(n)), Reason: fmt.Sprintf("plan %d", n)}, nil
}
