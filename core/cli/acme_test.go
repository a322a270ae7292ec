package cli

import (
	"context"
	"os"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aitunnel/aitunnel/sdk"
)

// serveAcme makes the test binary a third party's plugin.
func serveAcme() {
	sdk.Serve(sdk.Plugin{Name: "acme", Version: "1.2.0", Components: []sdk.Factory{
		{Name: "backwards", Doc: "Tries the last channel first.", New: func() sdk.Component { return backwards{} }},
		{Name: "lying", Doc: "Names a channel that there is not.", New: func() sdk.Component { return backwards{lie: true} }},
	}})
}

type backwards struct{ lie bool }

func (backwards) Configure(context.Context, sdk.Config) error { return nil }
func (backwards) Close() error                                { return nil }
func (b backwards) Plan(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	g := sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleOrder}}
	for _, c := range slices.Backward(req.Channels) {
		g.Members = append(g.Members, sdk.Member{ID: c.ID, Weight: 1})
	}
	if b.lie {
		g.Members[0].ID = "nobody"
	}
	return sdk.Plan{Groups: []sdk.Group{g}, Reason: "the last first"}, nil
}

func change(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	program, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path+".new", append(program, '!'), 0o755))
	ts.Check(os.Rename(path+".new", path))
}
