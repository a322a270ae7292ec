package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// runAcme is a third party's plugin, of the version, and with the fault, that the role names.
func runAcme(role string) {
	version, fault, _ := strings.Cut(role, " ")
	if marker, hangs := strings.CutPrefix(fault, "hangs"); hangs {
		if marker != "" { // a file that says that it hangs
			_ = os.WriteFile(strings.TrimSpace(marker), nil, 0o600)
		}
		time.Sleep(time.Hour)
	}
	if marker, waits := strings.CutPrefix(fault, "waits "); waits {
		for _, err := os.Stat(marker); err != nil; _, err = os.Stat(marker) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	if marker, exits := strings.CutPrefix(fault, "exits without "); exits {
		if _, err := os.Stat(marker); err != nil {
			fmt.Fprintln(os.Stderr, "there is no", marker)
			os.Exit(3)
		}
	}
	switch fault {
	case "rubbish":
		fmt.Println("I am a calculator")
		return
	case "crashes":
		time.AfterFunc(20*time.Millisecond, func() { os.Exit(5) })
	}
	rules := `
verdict "acme-out-of-capacity" {
  status = 403
  code   = "^capacity_exceeded$"
  means  = "overloaded"
}
`
	if fault == "other rules" {
		rules = strings.Replace(rules, "overloaded", "declined", 1)
	}
	sdk.Serve(sdk.Plugin{Name: "acme", Version: version, Verdicts: rules, Components: []sdk.Factory{
		{Name: "pin", Doc: "Tries one channel first.", Settings: pinSettings{}, New: func() sdk.Component { return &pin{version: version, fault: fault} }},
		{Name: "router", Doc: "Is asked about each request.", Settings: pinSettings{}, New: func() sdk.Component {
			return &router{pin{version: version, fault: fault, attributes: []string{"header.x-channel"}}}
		}},
	}})
}

type pinSettings struct {
	Channel  string        `hcl:"channel,optional" doc:"The channel to try first."`
	MaxStale time.Duration `hcl:"max_stale,optional" doc:"How long a plan may be used after its TTL."`
}

// pin numbers its plans in its state, across restarts and versions.
type pin struct {
	version, fault string
	attributes     []string
	settings       pinSettings
}

func (p *pin) Configure(ctx context.Context, cfg sdk.Config) error {
	switch p.fault {
	case "refuses":
		return &sdk.ConfigError{Path: []string{"channel"}, Message: "this version knows no channels"}
	case "never configured":
		<-ctx.Done()
		return ctx.Err()
	}
	return cfg.Decode(&p.settings)
}

func (p *pin) Close() error { return nil }

func (p *pin) Plan(ctx context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	switch p.fault {
	case "no plan":
		return sdk.Plan{}, errors.New("out of ideas")
	case "spent":
		return sdk.Plan{None: &sdk.None{Reason: "the budget of today is spent"}}, nil
	case "spent but for fallbacks":
		return sdk.Plan{None: &sdk.None{Reason: "the budget of today is spent", Fallbacks: true}}, nil
	case "panics":
		panic("out of coffee")
	case "late":
		<-ctx.Done()
		return sdk.Plan{}, ctx.Err()
	}
	n, _ := strconv.Atoi(string(req.State))
	n++
	if marker, spins := strings.CutPrefix(p.fault, "spins in plan "); spins && n > 1 {
		spinIf(marker)
	}
	g := sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleOrder}}
	for _, c := range req.Channels {
		m := sdk.Member{ID: c.ID, Weight: 1}
		if c.ID == p.settings.Channel {
			g.Members = append([]sdk.Member{m}, g.Members...)
		} else {
			g.Members = append(g.Members, m)
		}
	}
	return sdk.Plan{
		Groups: []sdk.Group{g}, TTL: 100 * time.Millisecond, MaxStale: p.settings.MaxStale,
		TTLExact: p.fault == "exact", Attributes: p.attributes, State: []byte(strconv.Itoa(n)), Reason: fmt.Sprintf("%s plan %d", p.version, n),
	}, nil
}

// spinIf is an endless loop, which does not look at its context, if the file exists.
func spinIf(marker string) {
	if _, err := os.Stat(marker); err == nil {
		for { //nolint:staticcheck // see above
		}
	}
}

// router is pin, and also asked about each request.
type router struct{ pin }

func (s *router) Route(_ context.Context, req sdk.RouteRequest) (sdk.RouteReply, error) {
	if marker, spins := strings.CutPrefix(s.fault, "spins in route "); spins {
		spinIf(marker)
	}
	if want := req.Attributes["header.x-channel"]; want != "" {
		return sdk.RouteReply{Order: []string{want}, Reason: "as asked"}, nil
	}
	return sdk.RouteReply{Reason: "no preference"}, nil
}
