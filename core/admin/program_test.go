package admin

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/diff"
	"github.com/aitunnel/aitunnel/core/history"
	"github.com/aitunnel/aitunnel/core/verdict/unknown"
)

// clock is the real time plus jumps that tests make.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func (p program) did(format string, args ...any) {
	*p.done = append(*p.done, fmt.Sprintf(format, args...))
}

func (p program) Plan(_ context.Context, draft *Draft) (Reload, error) {
	out := (Reload{OK: true, Generation: 3}).whole()
	if draft != nil && draft.File == "none.hcl" {
		return out, NotFound("there is no file")
	}
	if draft != nil && draft.Text == "wrong" {
		out.OK, out.Error = false, "it is wrong"
	}
	return out, nil
}

func (p program) RestartPlugin(_ context.Context, name string) (Reload, error) {
	if name != "acme" {
		return Reload{}, NotFound("there is no plugin " + name)
	}
	p.did("restart plugin %s", name)
	return (Reload{OK: true, Generation: 3}).whole(), nil
}

func (p program) Ready() error {
	if len(*p.done) > 0 {
		return errors.New("no channel is available")
	}
	return nil
}

func (p program) Routes() []Route { return p.Status().Routes }
func (p program) Tunnels() []Tunnel {
	return []Tunnel{{Name: "vps", State: "up", Since: p.started, Notes: []string{}, Forwards: []Forward{{Remote: "127.0.0.1:9000", State: "up"}}}}
}
func (p program) RetryTunnel(name string) (Tunnel, error) {
	if name != "vps" {
		return Tunnel{}, NotFound("there is no tunnel " + name)
	}
	p.did("retry tunnel %s", name)
	return p.Tunnels()[0], nil
}
func (p program) TestTunnel(_ context.Context, name string) (TestTunnelResult, error) {
	p.did("test tunnel %s", name)
	return TestTunnelResult{Name: name, OK: true, Steps: []TunnelStep{{Step: "resolve", OK: true, Text: "the host is found"}}}, nil
}
func (p program) TrustTunnel(_ context.Context, name string, key HostKeyTrust) (Tunnel, error) {
	p.did("trust %s of tunnel %s", key.Fingerprint, name)
	return p.RetryTunnel(name)
}
func (p program) Plugins() Plugins { return p.Status().Plugins }

func (p program) Stats() Summary {
	rate := 0.8
	sums := Sums{Requests: 5, Success: 4, Fail: 1, SuccessRate: &rate, Retries: 1, Tokens: Tokens{Input: 10, Output: 20}, Latency: Latency{P50: 1, P90: 2, P99: 3, Samples: 4, Sum: 6}}
	return Summary{
		Since: p.started, TotalRequests: 5, TotalSuccess: 4, TotalFail: 1, TotalRetries: 1, SuccessRate: &rate, Tokens: sums.Tokens,
		Channels: map[string]ChannelSums{"home": {Sums: sums, Keys: map[string]Sums{"k1": sums}}},
		Models:   map[string]Sums{"gpt": sums}, Windows: map[string]Sums{"1m": sums, "1h": sums, "24h": sums},
	}
}

func (p program) ResetStats() { p.did("the counters were reset") }

func (p program) Explain(_ context.Context, q ExplainRequest) (Explanation, error) {
	if q.Path == "" {
		return Explanation{}, Invalid("a path is needed")
	}
	return Explanation{Route: "/v1/**", Strategy: "priority", Plan: 7, Reason: "the highest weight first", Candidates: []Candidate{{Channel: "home", Key: "k1", Reason: "the highest weight first"}}, Skipped: []Skipped{{Channel: "spare", Why: "paused"}}}, nil
}

func (p program) known(name string) error {
	if name != "home" {
		return NotFound(fmt.Sprintf("there is no channel %q", name))
	}
	return nil
}

func (p program) Toggle(name string, enabled *bool) (bool, error) {
	if err := p.known(name); err != nil {
		return false, err
	}
	on := enabled != nil && *enabled
	p.did("toggle %s %v", name, on)
	return on, nil
}

func (p program) Prefer(name string, on bool) error {
	if err := p.known(name); err != nil {
		return err
	}
	p.did("switch %s %v", name, on)
	return nil
}

func (p program) Check(_ context.Context, name string) (CheckResult, error) {
	if name == "spare" {
		return CheckResult{}, Refused("no_health_check", "the channel has no health check")
	}
	return CheckResult{Name: name, OK: true, Health: "up", Latency: 3, At: p.started}, p.known(name)
}

func (p program) Models(_ context.Context, name string) (Models, error) {
	return Models{Models: []string{"gpt"}}, p.known(name)
}

func (p program) Try(_ context.Context, name string, t TryRequest) (TryResult, error) {
	if t.Model == "" {
		return TryResult{}, Invalid("a model is needed")
	}
	p.did("try %s", name)
	return TryResult{OK: true, Status: 200, Text: "Hello"}, p.known(name)
}

// edit returns the result of every edit: generation 2 is no longer current, and a channel named
// wrong is not valid.
func (p program) edit(name string, m Match) (Reload, error) {
	out := (Reload{OK: true, Generation: 3}).whole()
	if m.Generation == 2 || m.ETag == "c-old" {
		out.OK, out.Stale, out.Error = false, true, "the configuration has changed since it was read: read it again"
	}
	if name == "wrong" {
		out.OK, out.Error = false, "the configuration is not valid"
	}
	return out, nil
}

func (r Reload) whole() Reload {
	r.Effects, r.EffectList, r.Changes, r.Diags = []string{}, []Effect{}, []diff.Change{}, []config.Diagnostic{}
	return r
}

func (p program) Entry() Entry {
	return Entry{Address: "http://127.0.0.1:9000", Tokens: []string{"client-token"}, Clients: []EntryClient{}}
}

func (p program) Edits() []PastEdit {
	return []PastEdit{{ReloadCause: ReloadCause{Cause: "edit", Origin: FromPanel}, Changes: []diff.Change{}}}
}

func (p program) Undo(context.Context) (Reload, error) {
	p.did("undo")
	return p.edit("", Match{})
}

func (p program) UnknownAnswers() ([]unknown.Entry, error) {
	return []unknown.Entry{{Key: "0123456789abcdef", Status: 403, Channels: map[string]int{}}}, nil
}

func (p program) UnknownAnswer(key string) (UnknownAnswer, error) {
	if key != "0123456789abcdef" {
		return UnknownAnswer{}, NotFound("no such answer")
	}
	return UnknownAnswer{Entry: unknown.Entry{Key: key, Channels: map[string]int{}}}, nil
}

func (p program) ForgetUnknown(key string) error {
	_, err := p.UnknownAnswer(key)
	return err
}

func (p program) AddChannel(_ context.Context, c ChannelSpec, m Match) (Reload, error) {
	p.did("add channel %s", c.Name)
	return p.edit(c.Name, m)
}

func (p program) Import(_ context.Context, _ ImportRequest, m Match) (ImportResult, error) {
	r, err := p.edit("import", m)
	return ImportResult{OK: r.OK, Reload: r}, err
}

func (p program) ChangeChannel(_ context.Context, name string, _ ChannelSpec, m Match) (Reload, error) {
	p.did("change channel %s", name)
	return p.edit(name, m)
}

func (p program) RemoveChannel(_ context.Context, name string, m Match) (Reload, error) {
	p.did("remove channel %s", name)
	return p.edit(name, m)
}

func (p program) Notifications() []Notification {
	return []Notification{{Name: "phone", Service: "ntfy", Events: []string{"channel_down"}}}
}

func (p program) TestNotification(_ context.Context, name string) (TestNotificationResult, error) {
	if name != "phone" {
		return TestNotificationResult{}, NotFound("there is no notify block " + name)
	}
	p.did("test notification %s", name)
	return TestNotificationResult{Name: name, OK: true}, nil
}

func (p program) Clients() []Client {
	return []Client{{Name: "phone", Token: true, Written: true, Budget: &ClientBudget{Tokens: 10, Per: "day", Ends: p.started}}}
}

func (p program) AddClient(_ context.Context, c ClientSpec, m Match) (string, Reload, error) {
	p.did("add client %s", c.Name)
	out, err := p.edit(c.Name, m)
	return "at-token", out, err
}

func (p program) RemoveClient(_ context.Context, name string, m Match) (Reload, error) {
	p.did("remove client %s", name)
	return p.edit(name, m)
}

func (p program) AddKey(_ context.Context, channel string, k KeySpec, m Match) (Key, Reload, error) {
	p.did("add key %s to %s", k.Label, channel)
	out, err := p.edit(channel, m)
	return Key{ID: k.Label, Label: k.Label, Masked: "…", State: "ready"}, out, err
}

func (p program) RemoveKey(_ context.Context, channel, key string, m Match) (Reload, error) {
	p.did("remove key %s of %s", key, channel)
	return p.edit(channel, m)
}

func (p program) Text(context.Context) (ConfigText, error) {
	return ConfigText{Path: "aitunnel.hcl", Files: []ConfigFile{{Name: "aitunnel.hcl", Text: "# nothing"}}, Text: "# nothing", Generation: 3, ETag: "c-0123"}, nil
}

func (p program) Replace(_ context.Context, d Draft, m Match) (Reload, error) {
	p.did("replace %s", d.File)
	return p.edit(d.Text, m)
}

func (p program) History(context.Context) (*history.Reader, error) { return nil, history.ErrNoHistory }
