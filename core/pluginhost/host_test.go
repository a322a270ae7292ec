//go:build unix

package pluginhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/sdk"
)

// rig is a host with short intervals that records its events and log.
type rig struct {
	*Host
	t   testing.TB
	log lockedBuffer

	mu     sync.Mutex
	events []Event
}

var quick = Timing{
	Start: 20 * time.Second, Stop: 5 * time.Second, Ping: 50 * time.Millisecond, PingTimeout: 250 * time.Millisecond,
	RestartMin: 10 * time.Millisecond, Crashes: 50,
}

func newRig(t testing.TB, timing Timing, builtin ...string) *rig {
	t.Helper()
	r := &rig{t: t}
	var err error
	r.Host, err = New(Options{
		Builtin: builtin, ConfigPath: t.TempDir(), CacheDir: filepath.Join(t.TempDir(), "cache"), SocketDir: shortDir(t), Timing: timing,
		Logger: hclog.New(&hclog.LoggerOptions{Output: &r.log, Level: hclog.Trace, DisableTime: true}),
		OnEvent: func(e Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pids := r.pids()
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
		for _, pid := range pids {
			if alive(pid) {
				t.Errorf("process %d still runs after the host was closed", pid)
			}
		}
		if left, _ := os.ReadDir(r.socketDir); len(left) > 0 {
			t.Errorf("left behind in the socket directory: %v", left)
		}
	})
	return r
}

// shortDir returns a directory whose path is short enough for sockets, unlike t.TempDir.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ph")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (r *rig) open(c *config.Component) *Instance {
	r.t.Helper()
	i, err := r.Open(r.t.Context(), c, nil, "test", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return i
}

func (r *rig) pids() (pids []int) {
	for _, p := range r.List() {
		if p.PID != 0 {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

func (r *rig) pid() int {
	r.t.Helper()
	pids := r.pids()
	if len(pids) != 1 {
		r.t.Fatalf("%d processes run", len(pids))
	}
	return pids[0]
}

func (r *rig) saw(t EventType) (Event, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Type == t {
			return e, true
		}
	}
	return Event{}, false
}

func plan(t testing.TB, i *Instance, route string) (sdk.Plan, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return i.Plan(ctx, sdk.PlanRequest{Route: route, Channels: []sdk.Snapshot{{ID: "a"}, {ID: "b", Weight: 2}}})
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type answering string

func (a answering) Probe(_ context.Context, req sdk.ProbeRequest) (sdk.ProbeResult, error) {
	return sdk.ProbeResult{Status: 200, Body: []byte(string(a) + req.Path)}, nil
}

func TestComponentsOfEveryKind(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	got, err := r.Component(t.Context(), sdk.KindStrategy, "order", nil)
	if err != nil || got.Plugin != "" || got.Version != "1.4.0" || len(got.Schema.Attributes) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	i := r.open(order(`{"reason":"because"}`))
	p, err := plan(t, i, "")
	if err != nil || p.Reason != "because" || len(p.Groups[0].Members) != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	keys := r.open(&config.Component{Kind: sdk.KindKeySelector, Name: "first"})
	if p, err := keys.PlanKeys(t.Context(), sdk.KeyPlanRequest{Keys: []sdk.Snapshot{{ID: "k"}}}); err != nil || p.Reason != "k" {
		t.Errorf("%+v, %v", p, err)
	}
	checker, err := r.Open(t.Context(), &config.Component{Kind: sdk.KindHealthChecker, Name: "probe"}, nil, "check", answering("own"))
	if err != nil {
		t.Fatal(err)
	}
	for want, host := range map[string]sdk.Host{"own/models": nil, "given/models": answering("given")} {
		if res, err := checker.Check(t.Context(), sdk.CheckRequest{}, host); err != nil || !res.Healthy || res.Reason != want {
			t.Errorf("want %s: %+v, %v", want, res, err)
		}
	}
	if _, ok := i.Component().(sdk.RequestRouter); ok {
		t.Error("a plain strategy is a request router")
	}
	routing := r.open(&config.Component{Kind: sdk.KindStrategy, Name: "router"}).Component()
	if reply, err := routing.(sdk.RequestRouter).Route(t.Context(), sdk.RouteRequest{Model: "m"}); err != nil || reply.Reason != "m" {
		t.Errorf("%+v, %v", reply, err)
	}
	if n := r.Calls(); n != 5 {
		t.Errorf("%d calls counted", n)
	}
	if list := r.List(); len(list) != 1 || list[0].State != StateRunning || len(list[0].Instances) != 4 || len(list[0].Components) != 4 || list[0].Source != "built-in" {
		t.Errorf("list: %+v", list)
	}
}

func TestUnknownComponent(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	_, err := r.Component(t.Context(), sdk.KindStrategy, "ordre", nil)
	var unknown *config.UnknownComponentError
	if !errors.As(err, &unknown) || !slices.Equal(unknown.Known, []string{"order", "router"}) {
		t.Errorf("%v", err)
	}
	for _, ref := range []string{"../x", "", "a/b/c", ".."} {
		if _, err := r.Component(t.Context(), sdk.KindStrategy, ref, nil); err == nil {
			t.Errorf("%q was found", ref)
		}
	}
}

func TestErrorsAboutABlock(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	_, err := r.Open(t.Context(), order(`{"bad":"x"}`), nil, "test", nil)
	var invalid *sdk.ConfigError
	if !errors.As(err, &invalid) || !slices.Equal(invalid.Path, []string{"bad"}) || invalid.Hint == "" {
		t.Errorf("%v", err)
	}
	i := r.open(order(`{"reason":"one"}`))
	if err := i.Configure(t.Context(), sdk.Config{Body: []byte(`{"bad":"x"}`)}); !errors.Is(err, sdk.ErrInvalidConfig) {
		t.Errorf("%v", err)
	}
	if p, err := plan(t, i, ""); err != nil || p.Reason != "one" {
		t.Errorf("after a refused configuration: %+v, %v", p, err)
	}
	if err := i.Configure(t.Context(), sdk.Config{Body: []byte(`{"reason":"two"}`)}); err != nil {
		t.Fatal(err)
	}
	if p, err := plan(t, i, ""); err != nil || p.Reason != "two" {
		t.Errorf("%+v, %v", p, err)
	}
	if err := i.Close(); err != nil {
		t.Error(err)
	}
	if _, err := plan(t, i, ""); !errors.Is(err, sdk.ErrUnavailable) {
		t.Errorf("a closed instance: %v", err)
	}
}

func TestStartFailures(t *testing.T) {
	short := quick
	short.Start = 3 * time.Second
	for role, test := range map[string]struct {
		timing Timing
		want   []string
	}{
		"silent":  {short, []string{"not ready within 3", "still thinking"}},
		"failing": {quick, []string{"exit status 3", "no license found"}},
		"rubbish": {quick, []string{"without the handshake", "I am a calculator"}},
		"newer":   {quick, []string{"version 2 of the plugin protocol", "uses version 1"}},
	} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, test.timing, serveAs(role)...)
			_, err := r.Component(t.Context(), sdk.KindStrategy, "order", nil)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing: %v", want, err)
				}
			}
			if e, ok := r.saw(EventStartFailed); !ok || e.Message != err.Error() {
				t.Errorf("event %+v", e)
			}
			if len(r.List()) != 0 {
				t.Errorf("it is listed: %+v", r.List())
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		r := newRig(t, quick, filepath.Join(t.TempDir(), "nothing"))
		if _, err := r.Component(t.Context(), sdk.KindStrategy, "order", nil); err == nil || !strings.Contains(err.Error(), "cannot be started") {
			t.Error(err)
		}
	})
	t.Run("canceled", func(t *testing.T) {
		r := newRig(t, quick, serveAs("silent")...)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := r.Component(ctx, sdk.KindStrategy, "order", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestSlowStart(t *testing.T) {
	r := newRig(t, quick, serveAs("slow")...)
	var wg sync.WaitGroup
	for n := range 4 { // all of them wait for one process
		wg.Go(func() {
			if _, err := r.Open(t.Context(), order(`{}`), nil, fmt.Sprint(n), nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r.pid()
}

func TestNoisyPlugin(t *testing.T) {
	r := newRig(t, quick, serveAs("noisy")...)
	i := r.open(order(`{}`))
	for range 50 {
		if _, err := plan(t, i, ""); err != nil {
			t.Fatal(err)
		}
	}
	testhelp.Eventually(t, "the noise is logged", func() bool { return strings.Contains(r.log.String(), `{"@message":1}`) })
	for line := range strings.Lines(r.log.String()) {
		if len(line) > 2*maxLine {
			t.Fatalf("a line of %d bytes in the log", len(line))
		}
	}
	if r.List()[0].Restarts != 0 {
		t.Error("it was restarted")
	}
}

func TestLogKeepsLevelsAndHidesSecrets(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	block := &config.Plugin{Name: "acme", Path: r.lock("acme", script(t, "good")), Env: map[string]config.Secret{"OWN_TOKEN": config.NewSecret("canary-4711")}}
	i, err := r.Open(t.Context(), &config.Component{Kind: sdk.KindStrategy, Plugin: "acme", Name: "order"}, block, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan(t, i, "log"); err != nil {
		t.Fatal(err)
	}
	testhelp.Eventually(t, "the line is logged", func() bool { return strings.Contains(r.log.String(), "from slog") })
	if log := r.log.String(); !strings.Contains(log, "[WARN]  acme: from slog: n=1 token=\"…\"") || strings.Contains(log, "canary") {
		t.Errorf("log: %s", log)
	}
}

// lock adds the executable at path to the lock file.
func (r *rig) lock(name, path string) string {
	r.t.Helper()
	exe, err := r.trust.Inspect(path)
	if err != nil {
		r.t.Fatal(err)
	}
	lock, err := r.trust.Lock()
	if err != nil {
		r.t.Fatal(err)
	}
	lock.Set(name, trust.Platform, trust.Entry{SHA256: exe.SHA256})
	if err := lock.Write(r.trust.LockPath); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// script returns the path of a third-party executable that plays a role; see runAs.
func script(t testing.TB, role string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filePrefix+"acme")
	text := "#!/bin/sh\nexec '" + strings.Join(serveAs(role), "' '") + "' \"$@\"\n"
	if err := testhelp.WriteProgram(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
