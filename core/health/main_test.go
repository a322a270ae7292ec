package health

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// checker is a checker whose results a test sets. The test fails if two of its checks overlap,
// or if one starts after Close.
type checker struct {
	t      *testing.T
	result func(ctx context.Context, n int) (sdk.CheckResult, error) // of the n-th check

	mu     sync.Mutex
	busy   bool
	closed int
	at     []time.Time
	asked  sdk.CheckRequest
	host   sdk.Host
}

func (d *checker) Configure(context.Context, sdk.Config) error { return nil }

func (d *checker) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy {
		d.t.Error("the checker was closed during a check")
	}
	d.closed++
	return nil
}

func (d *checker) Check(ctx context.Context, req sdk.CheckRequest, host sdk.Host) (sdk.CheckResult, error) {
	d.mu.Lock()
	if d.busy || d.closed > 0 {
		d.t.Errorf("a check began during another one (%v) or after Close (%d)", d.busy, d.closed)
	}
	d.busy, d.asked, d.host = true, req, host
	d.at = append(d.at, time.Now())
	n := len(d.at)
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.busy = false
	}()
	return d.result(ctx, n)
}

func (d *checker) times() []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]time.Time(nil), d.at...)
}

// fixture is a monitor of one channel, "a".
type fixture struct {
	*Monitor
	checker *checker
	state   *channel.State

	mu      sync.Mutex
	notices []string
}

func (w *fixture) notice(message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notices = append(w.notices, message)
}

func (w *fixture) noticed() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.notices...)
}

const (
	interval = time.Minute
	timeout  = 5 * time.Second
)

// monitored starts a monitor with the defaults of the configuration. It must be
// closed within the bubble, which happens when the test ends.
func monitored(t *testing.T, result func(ctx context.Context, n int) (sdk.CheckResult, error)) *fixture {
	t.Helper()
	return monitoredAt(t, host{}, result)
}

func monitoredAt(t *testing.T, h sdk.Host, result func(ctx context.Context, n int) (sdk.CheckResult, error)) *fixture {
	t.Helper()
	w := &fixture{
		checker: &checker{t: t, result: result},
		state:   channel.NewRegistry(channel.Options{}).Channel("a", "https://a.example"),
	}
	w.Monitor = Start([]Check{{
		State: w.state, Models: []string{"gpt-4o"}, Checker: w.checker, Host: h,
		Interval: interval, Timeout: timeout, Fall: 3, Rise: 1,
	}}, w.notice)
	t.Cleanup(w.Close)
	return w
}

// host cannot send probes, which the checks here do not need.
type host struct{}

func (host) Probe(context.Context, sdk.ProbeRequest) (sdk.ProbeResult, error) {
	return sdk.ProbeResult{}, errors.New("probes are not available")
}

var (
	healthy   = sdk.CheckResult{Healthy: true}
	unhealthy = sdk.CheckResult{Reason: "503 Service Unavailable"}
)

// results returns the results of successive checks; the last one repeats.
func results(all ...sdk.CheckResult) func(context.Context, int) (sdk.CheckResult, error) {
	return func(_ context.Context, n int) (sdk.CheckResult, error) { return all[min(n, len(all))-1], nil }
}

// check runs a check now, outside the schedule.
func (w *fixture) check(t *testing.T) {
	t.Helper()
	if _, err := w.Now(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
}

func (w *fixture) down() bool { return w.state.Skip(time.Now()) == channel.SkipCheckFailed }
