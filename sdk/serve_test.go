package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
)

type settings struct {
	Behavior string        `hcl:"behavior,optional" doc:"What Plan does." enum:"calm,panic,nan,hang,fail,huge"`
	Pause    time.Duration `hcl:"pause,optional"`
	Odd      bool          `hcl:"odd,optional"`
}

// scripted is a strategy that fails as its settings say.
type scripted struct {
	settings
	closed *atomic.Int32
}

func (m *scripted) Configure(_ context.Context, cfg sdk.Config) error {
	if err := cfg.Decode(&m.settings); err != nil {
		return err
	}
	if m.Odd {
		return errors.Join(
			&sdk.ConfigError{Path: []string{"odd"}, Message: "odd must not be set", Hint: "leave it out"},
			fmt.Errorf("and: %w", &sdk.ConfigError{Message: "the block is odd"}))
	}
	return nil
}

func (m *scripted) Close() error { m.closed.Add(1); return nil }

func (m *scripted) Plan(ctx context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	plan := sdk.Plan{Groups: []sdk.Group{{Rule: sdk.Rule{Kind: sdk.RuleOrder}}}, State: req.State}
	for _, c := range req.Channels {
		plan.Groups[0].Members = append(plan.Groups[0].Members, sdk.Member{ID: c.ID, Weight: c.Weight})
	}
	switch m.Behavior {
	case "panic":
		panic("the sky fell")
	case "nan":
		plan.Groups[0].Members[0].Weight = math.NaN()
	case "hang":
		<-ctx.Done()
		return plan, ctx.Err()
	case "fail":
		return plan, fmt.Errorf("%w: no peers", sdk.ErrNotFound)
	case "huge":
		plan.Reason = strings.Repeat("x", 9<<20)
	}
	return plan, nil
}

func (m *scripted) Route(_ context.Context, req sdk.RouteRequest) (sdk.RouteReply, error) {
	return sdk.RouteReply{Order: []string{req.Model}}, nil
}

type selector struct{}

func (selector) Configure(context.Context, sdk.Config) error { return nil }
func (selector) Close() error                                { return nil }
func (selector) PlanKeys(context.Context, sdk.KeyPlanRequest) (sdk.Plan, error) {
	return sdk.Plan{}, errors.New("plain")
}

// checker probes three times at once.
type checker struct{ escaped chan sdk.Host }

func (c *checker) Configure(context.Context, sdk.Config) error { return nil }
func (c *checker) Close() error                                { return nil }

func (c *checker) Check(ctx context.Context, req sdk.CheckRequest, h sdk.Host) (sdk.CheckResult, error) {
	c.escaped <- h
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		wg.Go(func() {
			res, err := h.Probe(ctx, sdk.ProbeRequest{Path: "/" + req.Channel})
			if err == nil && string(res.Body) != "GET /"+req.Channel {
				err = fmt.Errorf("body %q", res.Body)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	err := errors.Join(errs...)
	return sdk.CheckResult{Healthy: err == nil}, err
}

// barrier answers its probes when it has received a number of them.
type barrier struct{ wait *sync.WaitGroup }

func (b barrier) Probe(_ context.Context, req sdk.ProbeRequest) (sdk.ProbeResult, error) {
	b.wait.Done()
	b.wait.Wait()
	return sdk.ProbeResult{Status: 200, Body: []byte("GET " + req.Path)}, nil
}

func testPlugin(closed *atomic.Int32, escaped chan sdk.Host) sdk.Plugin {
	return sdk.Plugin{Name: "test", Version: "1.2.3", Doc: "For tests.", Components: []sdk.Factory{
		{Name: "scripted", Settings: settings{Behavior: "calm", Pause: time.Minute}, New: func() sdk.Component { return &scripted{closed: closed} }},
		{Name: "selector", New: func() sdk.Component { return selector{} }},
		{Name: "checker", New: func() sdk.Component { return &checker{escaped} }},
	}}
}

type rig struct {
	*host.Conn
	closed  atomic.Int32
	escaped chan sdk.Host
	hangUp  func()
}

// dial serves the test plugin and connects to it, over the real wire.
func dial(t testing.TB) *rig {
	t.Helper()
	r := &rig{escaped: make(chan sdk.Host, 1)}
	ours, theirs := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- sdk.ServeConn(testPlugin(&r.closed, r.escaped), theirs) }()
	conn, err := host.Dial(t.Context(), ours)
	if err != nil {
		t.Fatal(err)
	}
	r.Conn = conn
	r.hangUp = sync.OnceFunc(func() {
		_ = conn.Close()
		_ = ours.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(r.hangUp)
	return r
}

func (r *rig) strategy(t testing.TB, body string) *host.Component {
	t.Helper()
	c, err := r.Configure(t.Context(), "strategy/scripted", "s", sdk.Config{Body: json.RawMessage(body)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var twoChannels = sdk.PlanRequest{Channels: []sdk.Snapshot{{ID: "a", Weight: 2}, {ID: "b"}}, State: []byte{0, 1}}

func TestDescribe(t *testing.T) {
	d, err := dial(t).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "test" || d.Version != "1.2.3" || d.Protocol != 1 || len(d.Components) != 3 {
		t.Errorf("description: %+v", d)
	}
	if c := d.Components[0]; c.ID() != "strategy/scripted" || !c.Router || len(c.Schema.Attributes) != 3 {
		t.Errorf("component: %+v", c)
	}
	if c := d.Components[1]; c.ID() != "key_selector/selector" || c.Router || c.Schema == nil {
		t.Errorf("component: %+v", c)
	}
}

func TestPlanAndRoute(t *testing.T) {
	c := dial(t).strategy(t, `{"behavior":null,"future":1}`)
	plan, err := c.Plan(t.Context(), twoChannels)
	if err != nil {
		t.Fatal(err)
	}
	if m := plan.Groups[0].Members; len(m) != 2 || m[0] != (sdk.Member{ID: "a", Weight: 2}) || !slices.Equal(plan.State, []byte{0, 1}) {
		t.Errorf("plan: %+v", plan)
	}
	reply, err := c.Route(t.Context(), sdk.RouteRequest{Model: "m"})
	if err != nil || !slices.Equal(reply.Order, []string{"m"}) {
		t.Errorf("route: %+v, %v", reply, err)
	}
}

func TestErrorsKeepTheirIdentity(t *testing.T) {
	for behavior, want := range map[string]struct {
		is   error
		text string
	}{
		"panic": {sdk.ErrPanic, "the sky fell"},
		"nan":   {sdk.ErrInternal, "NaN"},
		"fail":  {sdk.ErrNotFound, "not found: no peers"},
		"huge":  {sdk.ErrInternal, "8388608"},
	} {
		t.Run(behavior, func(t *testing.T) {
			c := dial(t).strategy(t, `{"behavior":"`+behavior+`"}`)
			for range 2 { // a failure does not affect the next call
				_, err := c.Plan(t.Context(), twoChannels)
				if !errors.Is(err, want.is) || !strings.Contains(err.Error(), want.text) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
	r := dial(t)
	c, err := r.Configure(t.Context(), "key_selector/selector", "k", sdk.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.PlanKeys(t.Context(), sdk.KeyPlanRequest{}); !errors.Is(err, sdk.ErrInternal) || err.Error() != "plain" {
		t.Errorf("a plain error arrived as %v", err)
	}
	if _, err := c.Plan(t.Context(), sdk.PlanRequest{}); !errors.Is(err, sdk.ErrUnsupported) {
		t.Errorf("the method of another kind returned %v", err)
	}
	if _, err := r.Configure(t.Context(), "strategy/none", "n", sdk.Config{}); !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("an unknown component returned %v", err)
	}
}

// TestAPanicNamesItsPlace: the error has the place in the plugin's code, and says where the
// stack is.
func TestAPanicNamesItsPlace(t *testing.T) {
	_, err := dial(t).strategy(t, `{"behavior":"panic"}`).Plan(t.Context(), twoChannels)
	inPlan := err
	_, inNew := sdk.Plugin{Name: "p", Version: "1.0.0", Components: []sdk.Factory{{Name: "x", New: func() sdk.Component {
		var missing *scripted
		return &scripted{settings: missing.settings}
	}}}}.Describe()
	for where, err := range map[string]error{"Plan": inPlan, "New": inNew} {
		if err == nil || !regexp.MustCompile(`panicked.* \(at \S*serve_test\.go:\d+\)`).MatchString(err.Error()) {
			t.Errorf("a panic in %s: %v", where, err)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	r := dial(t)
	_, err := r.Configure(t.Context(), "strategy/scripted", "s", sdk.Config{Body: json.RawMessage(`{"odd":true}`)})
	var first *sdk.ConfigError
	if !errors.As(err, &first) || !errors.Is(err, sdk.ErrInvalidConfig) {
		t.Fatalf("got %v", err)
	}
	if !slices.Equal(first.Path, []string{"odd"}) || first.Hint != "leave it out" {
		t.Errorf("got %+v", first)
	}
	if !strings.Contains(err.Error(), "the block is odd") {
		t.Errorf("the second error is lost: %v", err)
	}
	_, err = r.Configure(t.Context(), "strategy/scripted", "s", sdk.Config{Body: json.RawMessage(`{"pause":"soon"}`)})
	if !errors.As(err, &first) || !slices.Equal(first.Path, []string{"pause"}) {
		t.Errorf("got %v", err)
	}
	if _, err := r.Configure(t.Context(), "strategy/scripted", "s", sdk.Config{}); err != nil {
		t.Errorf("the name of a failed instance cannot be used again: %v", err)
	}
}

func TestDeadlineAndCancelReachThePlugin(t *testing.T) {
	r := dial(t)
	c := r.strategy(t, `{"behavior":"hang"}`)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Plan(ctx, twoChannels); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := c.Plan(ctx, twoChannels); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// Close waits for the calls: it returns only if the cancellation arrived.
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := r.closed.Load(); n != 1 {
		t.Errorf("closed %d times", n)
	}
	if _, err := c.Plan(t.Context(), twoChannels); !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("a call of a closed instance returned %v", err)
	}
}

func TestCloseEndsCallsInProgress(t *testing.T) {
	c := dial(t).strategy(t, `{"behavior":"hang"}`)
	failed := make(chan error, 1)
	go func() {
		_, err := c.Plan(t.Context(), twoChannels)
		failed <- err
	}()
	time.AfterFunc(20*time.Millisecond, func() { _ = c.Close(context.Background()) })
	if err := <-failed; !errors.Is(err, context.Canceled) && !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestProbesRunAtOnceAndOnlyDuringACheck(t *testing.T) {
	r := dial(t)
	c, err := r.Configure(t.Context(), "health_checker/checker", "h", sdk.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Add(3)
	res, err := c.Check(t.Context(), sdk.CheckRequest{Channel: "ch"}, barrier{&wg})
	if err != nil || !res.Healthy {
		t.Fatalf("%+v, %v", res, err)
	}
	if _, err := (<-r.escaped).Probe(t.Context(), sdk.ProbeRequest{}); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("a probe after the check returned %v", err)
	}
}

func TestManyCallers(t *testing.T) {
	c := dial(t).strategy(t, `{}`)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for range 20 {
				id := fmt.Sprint(i)
				plan, err := c.Plan(t.Context(), sdk.PlanRequest{Channels: []sdk.Snapshot{{ID: id}}})
				if err != nil || plan.Groups[0].Members[0].ID != id {
					t.Errorf("caller %d got %+v, %v", i, plan, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestHostDisconnects(t *testing.T) {
	r := dial(t)
	c := r.strategy(t, `{"behavior":"hang"}`)
	failed := make(chan error, 1)
	go func() {
		_, err := c.Plan(t.Context(), twoChannels)
		failed <- err
	}()
	r.hangUp()
	if err := <-failed; !errors.Is(err, sdk.ErrUnavailable) && !errors.Is(err, context.Canceled) {
		t.Errorf("a call in progress returned %v", err)
	}
	if n := r.closed.Load(); n != 1 {
		t.Errorf("the instance was closed %d times", n)
	}
	if _, err := c.Plan(t.Context(), twoChannels); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("a later call returned %v", err)
	}
}
