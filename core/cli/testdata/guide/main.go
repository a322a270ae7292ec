// Command guide is a plugin whose component is a router, has a required setting, and logs a
// warning.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/aitunnel/aitunnel/sdk"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	sdk.Serve(sdk.Plugin{Name: "guide", Version: "1.0.0", Verdicts: "verdict \"guide-full\" {\n  status = 403\n  code   = \"^full$\"\n  means  = \"overloaded\"\n}\n", Components: []sdk.Factory{
		{Name: "guide", Doc: "Tries the channel first that a request names.", Settings: guideSettings{}, New: func() sdk.Component { return &guide{} }},
	}})
}

type guideSettings struct {
	First string `hcl:"first" doc:"The channel for requests that name none."`
}

type guide struct{ guideSettings }

func (g *guide) Configure(_ context.Context, cfg sdk.Config) error {
	if err := cfg.Decode(&g.guideSettings); err != nil {
		return err
	}
	if g.First == "nobody" {
		return &sdk.ConfigError{Path: []string{"first"}, Message: "there is no channel \"nobody\""}
	}
	slog.Warn("requests that name no channel go to " + g.First)
	return nil
}

func (g *guide) Close() error { return nil }

func (g *guide) Plan(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	group := sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleOrder}}
	for _, c := range req.Channels {
		group.Members = append(group.Members, sdk.Member{ID: c.ID, Weight: 1})
	}
	plan := sdk.Plan{Groups: []sdk.Group{group}, Attributes: []string{"header.x-channel", "body.user"}, Reason: "in order"}
	if !slices.ContainsFunc(group.Members, func(m sdk.Member) bool { return m.ID == g.First }) {
		plan.Warnings = []sdk.Warning{{Path: []string{"first"}, Message: fmt.Sprintf("there is no %q, so the order of the channels decides", g.First)}}
	}
	return plan, nil
}

func (g *guide) Route(_ context.Context, req sdk.RouteRequest) (sdk.RouteReply, error) {
	named := cmp.Or(req.Attributes["header.x-channel"], req.Attributes["body.user"])
	if g.First == "panics" {
		panic("no channel is named")
	}
	if named == "" {
		return sdk.RouteReply{}, nil
	}
	return sdk.RouteReply{Order: []string{named}, Reason: "named by the request"}, nil
}
