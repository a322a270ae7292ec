package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/verdict"
	"github.com/aitunnel/aitunnel/sdk"
)

// Finding is the result of testing one component of a plugin.
type Finding struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Skipped bool   `json:"skipped,omitempty"` // it needs settings that only the user can give
	Message string `json:"message"`
}

// examineTime is the time limit for testing one component.
const examineTime = 20 * time.Second

// Examine tests every component of a plugin as the program would use it, with the
// default settings. settings contains, by component name and as JSON, the settings of
// components that require some or should be tested with others.
func Examine(ctx context.Context, t *pluginhost.Trial, settings map[string]map[string]json.RawMessage) []Finding {
	out := []Finding{}
	for _, c := range t.Description.Components {
		f := Finding{Kind: string(c.Kind), Name: c.Name}
		said, err := examine(ctx, t, c, settings[c.Name])
		switch {
		case errors.Is(err, errNeedsSettings):
			f.Skipped, f.Message = true, err.Error()
		case err != nil:
			f.Message = withHints(err)
		default:
			f.OK, f.Message = true, said
		}
		out = append(out, f)
	}
	if t.Description.Verdicts != "" {
		out = append(out, examineVerdicts(t.Description))
	}
	return out
}

// examineVerdicts checks the verdict rules that a plugin brings.
func examineVerdicts(d sdk.Description) Finding {
	f := Finding{Kind: "verdicts", Name: d.Name}
	rules, diags := verdict.CompileSource([]byte(d.Verdicts), "verdicts of plugin "+d.Name, verdict.FromPlugin)
	if diags.HasErrors() {
		f.Message = "not valid: " + diags.Error()
		return f
	}
	f.OK, f.Message = true, fmt.Sprintf("%d valid", len(rules))
	return f
}

// withHints returns the text of an error, with its hints about correct values.
func withHints(err error) string {
	text := err.Error()
	for _, hint := range hints(err) {
		if !strings.Contains(text, hint) {
			text += " (" + hint + ")"
		}
	}
	return text
}

// hints collects the hints of every ConfigError in a tree of wrapped and joined
// errors.
func hints(err error) (all []string) {
	switch err := err.(type) { //nolint:errorlint // it unwraps by itself
	case *sdk.ConfigError:
		if err.Hint != "" {
			all = append(all, err.Hint)
		}
	case interface{ Unwrap() error }:
		return hints(err.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range err.Unwrap() {
			all = append(all, hints(one)...)
		}
	}
	return all
}

var errNeedsSettings = errors.New("it needs settings: give them with --set")

func examine(ctx context.Context, t *pluginhost.Trial, c sdk.ComponentDescription, settings map[string]json.RawMessage) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, examineTime)
	defer cancel()
	body, err := bodyOf(c.Schema, settings)
	if err != nil {
		return "", err
	}
	i, err := t.Open(ctx, c, body, probeOK{})
	if err != nil {
		if len(settings) > 0 {
			return "", fmt.Errorf("it refuses its settings: %w", err)
		}
		return "", fmt.Errorf("it refuses the defaults of its own settings: %w", err)
	}
	defer func() { _ = i.Close() }()
	switch c.Kind {
	case sdk.KindStrategy:
		said, err := examinePlans(ctx, func(ctx context.Context, candidates []sdk.Snapshot, state []byte) (sdk.Plan, error) {
			return i.Plan(ctx, sdk.PlanRequest{Route: "/v1/**", Channels: candidates, State: state})
		})
		if router, ok := i.Component().(sdk.RequestRouter); ok && err == nil {
			candidates, _ := examined(3)
			said, err = said+"; answers about a request", routeFailure(ctx, router, "/v1/**", candidates)
		}
		return said, err
	case sdk.KindKeySelector:
		return examinePlans(ctx, func(ctx context.Context, candidates []sdk.Snapshot, state []byte) (sdk.Plan, error) {
			return i.PlanKeys(ctx, sdk.KeyPlanRequest{Channel: "trial", Keys: candidates, State: state})
		})
	case sdk.KindHealthChecker:
		r, err := i.Check(ctx, sdk.CheckRequest{Channel: "trial"}, nil)
		if err != nil {
			return learnedNothing(ctx, err)
		}
		return fmt.Sprintf("checks; an empty answer with status 200 is healthy: %t", r.Healthy), nil
	}
	return "", fmt.Errorf("this aitunnel knows no component of the kind %q", c.Kind)
}

// learnedNothing classifies an error of Check. A checker returns one when it has
// learned nothing, which is possible for the empty answer of this test; a panic, an
// ended process and a call that does not return are faults.
func learnedNothing(ctx context.Context, err error) (said string, _ error) {
	if ctx.Err() != nil || errors.Is(err, sdk.ErrPanic) || errors.Is(err, sdk.ErrUnavailable) || errors.Is(err, sdk.ErrUnsupported) {
		return "", fmt.Errorf("a check fails: %w", err)
	}
	return fmt.Sprintf("checks; it learned nothing from an empty answer with status 200 (%v): test it with the answers of its site, by sdktest.Site", err), nil
}

// bodyOf returns a block with the given settings, and the defaults of the others.
func bodyOf(s *sdk.Schema, settings map[string]json.RawMessage) ([]byte, error) {
	out := map[string]any{}
	for name := range settings {
		if !slices.ContainsFunc(s.Attributes, func(a sdk.Attribute) bool { return a.Name == name }) && !slices.ContainsFunc(s.Blocks, func(b sdk.Block) bool { return b.Name == name }) {
			return nil, fmt.Errorf("it has no setting %q. %s", name, wording.Instead(name, settingNames(s)))
		}
		out[name] = settings[name]
	}
	for _, a := range s.Attributes {
		if _, err := ctyjson.UnmarshalType(a.Type); err != nil {
			return nil, fmt.Errorf("its setting %q has a type that is not known: %s", a.Name, a.Type)
		}
		if _, set := settings[a.Name]; set {
			continue
		}
		if a.Required {
			return nil, fmt.Errorf("%w: %q is required", errNeedsSettings, a.Name)
		}
		if a.Default != nil {
			out[a.Name] = a.Default
		}
	}
	for _, b := range s.Blocks {
		if _, set := settings[b.Name]; !set && b.Required {
			return nil, fmt.Errorf("%w: a block %q is required", errNeedsSettings, b.Name)
		}
	}
	return json.Marshal(out)
}

func settingNames(s *sdk.Schema) (names []string) {
	for _, a := range s.Attributes {
		names = append(names, a.Name)
	}
	for _, b := range s.Blocks {
		names = append(names, b.Name)
	}
	return names
}

// examineSizes are the numbers of candidates for which a plan is requested.
var examineSizes = []int{1, 3, 1000}

func examinePlans(ctx context.Context, plan func(context.Context, []sdk.Snapshot, []byte) (sdk.Plan, error)) (string, error) {
	var took []time.Duration
	var state []byte
	for _, n := range examineSizes {
		candidates, ids := examined(n)
		for range 2 { // the second time with the state of the first plan
			begun := time.Now()
			p, err := plan(ctx, candidates, state)
			if err != nil {
				return "", fmt.Errorf("no plan for %d candidates: %w", n, err)
			}
			if err := route.CheckPlan(p, ids); err != nil {
				return "", fmt.Errorf("its plan for %d candidates is refused: %w", n, err)
			}
			took, state = append(took, time.Since(begun)), p.State
		}
	}
	slices.Sort(took)
	return fmt.Sprintf("plans for 1, 3 and 1,000 candidates, in %s at most", took[len(took)-1].Round(100*time.Microsecond)), nil
}

// examined returns n candidates, of different weights and states.
func examined(n int) (candidates []sdk.Snapshot, ids []string) {
	for i := range n {
		id := fmt.Sprintf("candidate-%d", i+1)
		ids = append(ids, id)
		candidates = append(candidates, sdk.Snapshot{ID: id, Weight: float64(1 + i%5), Available: i%7 != 3, Health: sdk.HealthUp, Fallback: i%3 == 2})
	}
	return candidates, ids
}

// probeOK is a site that answers everything with 200.
type probeOK struct{}

func (probeOK) Probe(context.Context, sdk.ProbeRequest) (sdk.ProbeResult, error) {
	return sdk.ProbeResult{Status: 200, Header: map[string]string{"Content-Type": "application/json"}, Body: []byte("{}"), Latency: time.Millisecond}, nil
}
