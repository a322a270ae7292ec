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

// scripted is a strategy that reads from a file how the next plan is to fail.
var scripted = sdk.Factory{
	Name: "scripted", Doc: "Fails as a file says.", Settings: scriptedSettings{},
	New: func() sdk.Component { return &scriptedStrategy{} },
}

type scriptedSettings struct {
	File string `hcl:"file" doc:"Says how to fail."`
}

type scriptedStrategy struct{ settings scriptedSettings }

func (m *scriptedStrategy) Configure(_ context.Context, c sdk.Config) error {
	return c.Decode(&m.settings)
}
func (m *scriptedStrategy) Close() error { return nil }

func (m *scriptedStrategy) Plan(ctx context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	behavior, err := os.ReadFile(m.settings.File)
	if err != nil {
		return sdk.Plan{}, err
	}
	g := sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleOrder}}
	for i := range req.Channels { // the last first: unlike a core plan
		g.Members = append(g.Members, sdk.Member{ID: req.Channels[len(req.Channels)-1-i].ID, Weight: 1})
	}
	p := sdk.Plan{Groups: []sdk.Group{g}, TTL: 100 * time.Millisecond, Reason: "by the file"}
	switch string(behavior) {
	case "unknown id":
		g.Members[0].ID = "unknown"
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
		panic("the file says panic")
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
