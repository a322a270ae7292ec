// Command acme is a plugin of a third party. A byte that a test appends to the executable
// makes it another version, which may not start, start slowly, panic or hang when it is
// configured, or return no plan.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

func main() {
	version := "1.2.0"
	switch lastByte() {
	case '?':
		fmt.Fprintln(os.Stderr, "the license has expired")
		os.Exit(3)
	case '!':
		version = "1.2.1"
	case '#':
		version = "1.4.0"
	case '$':
		version = "1.7.0"
	case '%':
		version = "1.6.0"
	case '~':
		version = "1.5.0"
		time.Sleep(1200 * time.Millisecond) // longer than a start of aitunnel waits
	}
	sdk.Serve(sdk.Plugin{Name: "acme", Version: version, Components: []sdk.Factory{
		{Name: "backwards", Doc: "Tries the last channel first.", New: func() sdk.Component { return backwards{} }},
		{Name: "lying", Doc: "Names a channel that does not exist.", New: func() sdk.Component { return backwards{lie: true} }},
	}})
}

// lastByte returns the last byte of the executable.
func lastByte() byte {
	last := make([]byte, 1)
	f, err := os.Open("/proc/self/exe")
	if err != nil { // not Linux
		path, _ := os.Executable()
		if f, err = os.Open(path); err != nil {
			return 0
		}
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil {
		_, _ = f.ReadAt(last, info.Size()-1)
	}
	return last[0]
}

// backwards is both components: lie is for the faulty one.
type backwards struct{ lie bool }

func (backwards) Configure(context.Context, sdk.Config) error {
	switch lastByte() {
	case '#':
		panic("the price list is missing")
	case '%':
		select {} // hangs
	}
	return nil
}
func (backwards) Close() error { return nil }
func (b backwards) Plan(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	if lastByte() == '$' {
		return sdk.Plan{}, errors.New("the prices are unknown")
	}
	g := sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleOrder}}
	for _, c := range slices.Backward(req.Channels) {
		g.Members = append(g.Members, sdk.Member{ID: c.ID, Weight: 1})
	}
	if b.lie {
		g.Members[0].ID = "nobody"
	}
	return sdk.Plan{Groups: []sdk.Group{g}, Reason: "the last channel first"}, nil
}
