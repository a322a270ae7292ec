package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aitunnel/aitunnel/sdk"
)

// serveAcme makes the test binary a third party's plugin.
func serveAcme() {
	version := "1.2.0"
	if self, err := os.Executable(); err == nil {
		switch program, _ := os.ReadFile(self); {
		case bytes.HasSuffix(program, []byte(brokenMark)):
			fmt.Fprintln(os.Stderr, "the licence has expired")
			os.Exit(3)
		case bytes.HasSuffix(program, []byte(changedMark)):
			version = "1.2.1"
		}
	}
	sdk.Serve(sdk.Plugin{Name: "acme", Version: version, Components: []sdk.Factory{
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

// What follows the end of the program tells versions of the plugin apart.
const (
	changedMark = "!"
	brokenMark  = "?"
)

func change(ts *testscript.TestScript, _ bool, args []string) { appendTo(ts, args[0], changedMark) }

func appendTo(ts *testscript.TestScript, name, mark string) {
	path := ts.MkAbs(name)
	program, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path+".new", append(program, mark...), 0o755))
	ts.Check(os.Rename(path+".new", path))
}
