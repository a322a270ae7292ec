//go:build unix

package daemon_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// A router gets the attributes of each request that the configuration exposes, and its
// answer decides; while its process is suspended, the last plan decides.
func TestARouterIsAskedAboutEachRequest(t *testing.T) {
	t.Parallel()
	r, _, _ := acme(t, "1.0.0", `strategy "acme/router" { channel = "last" }`, 0)
	followed := func() bool { // on a busy machine the router may answer too late
		return r.post(chat, ask, "x-channel", "first").header.Get("X-Site") == "first"
	}
	testhelp.Within(t, time.Minute, "the request goes to the channel that the router names", followed)
	if reason := r.lastRequest().Attempts[0].Reason; reason != "as asked" {
		t.Errorf("the record gives the reason %q", reason)
	}
	if got := r.post(chat, ask); got.header.Get("X-Site") != "last" {
		t.Errorf("without a preference: %+v", got)
	}
	if got := r.post(chat, ask, "x-channel", "unknown"); got.header.Get("X-Site") != "last" {
		t.Errorf("with an unknown channel: %+v", got)
	}
	route := r.plan()
	if route.Router == nil || route.Router.Answered < 1 {
		t.Errorf("%+v", route.Router)
	}
	testhelp.Suspend(t, r.process("acme").PID)
	for range 20 {
		if got := r.post(chat, ask, "x-channel", "first"); got.status != 200 || got.header.Get("X-Site") != "last" {
			t.Fatalf("with the process suspended: %+v", got)
		}
	}
	if info := r.plan().Router; info.Failed < 1 || info.Skipped == 0 || !info.Paused {
		t.Errorf("%+v", info)
	}
	testhelp.Within(t, 2*time.Minute, "a new process answers", followed)
}

// Compares the latency of 500 requests a second with and without a router.
func TestTheLatencyThatARouterAdds(t *testing.T) {
	comparesSpeed(t)
	first, last := site(t, "first"), site(t, "last")
	r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}}
	r.put("1.0.0")
	r.lockAcme()
	route := func(pattern, strategy string) string {
		return fmt.Sprintf("route %q {\n  channels = [channel.first, channel.last]\n  strategy %q { channel = \"last\" }\n}\n", pattern, strategy)
	}
	channels, _, _ := strings.Cut(acmeConfig(first, last, ""), "route ")
	r.save(channels + route("/seen/**", "acme/router") + route("/v1/**", "acme/pin"))
	r.run()
	measure := func(path string) time.Duration {
		var took []time.Duration
		for range 500 {
			begun := time.Now()
			if got := r.post(path, ask, "x-channel", "first"); got.status != 200 {
				t.Fatalf("%s: %+v", path, got)
			}
			d := time.Since(begun)
			took = append(took, d)
			time.Sleep(2*time.Millisecond - d)
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	const rounds = 3
	least := time.Hour
	for range rounds { // the machine may be busy
		plain, seen := measure(chat), measure("/seen/chat/completions")
		t.Logf("p50 %s without a router, %s with one", plain, seen)
		if least = min(least, seen-plain); least < testhelp.Slowdown*time.Millisecond {
			break
		}
	}
	if least >= testhelp.Slowdown*time.Millisecond {
		t.Errorf("it adds %s at the median", least)
	}
	for _, one := range r.status().Routes {
		if one.Path == "/seen/**" && (one.Router == nil || one.Router.Answered < 250) {
			t.Errorf("the router answered too few requests: %+v", one.Router)
		}
	}
}

func (r *running) status() (out admin.Status) {
	r.adminGet("/api/status", &out)
	return out
}

// A shadow plans and its picks are counted; nothing depends on it, even if it crashes.
func TestAShadowInTheDaemon(t *testing.T) {
	t.Parallel()
	r, _, _ := acme(t, "1.0.0", "strategy \"priority\" {}\n  shadow \"acme/pin\" { channel = \"last\" }", 0)
	for range 10 {
		if got := r.post(chat, ask); got.header.Get("X-Site") != "first" {
			t.Fatalf("%+v", got)
		}
	}
	shadows := r.plan().Shadows
	if len(shadows) != 1 || shadows[0].Strategy != "acme/pin" || shadows[0].Picks != 10 || shadows[0].Agreed != 0 || shadows[0].Choices["last"] != 10 || !strings.Contains(shadows[0].Where, "aitunnel.hcl:") {
		t.Errorf("%+v", shadows)
	}
	uses := r.process("acme").Components[0].Uses
	if len(uses) != 1 || uses[0].For != "shadow of route /v1/**" || uses[0].Shadow == nil || uses[0].Shadow.Picks != 10 {
		t.Errorf("%+v", uses)
	}
	var e admin.Explanation
	if status, _, body := r.ask("POST", "/api/explain", `{"method":"POST","path":"/v1/chat/completions"}`); status != 200 || json.Unmarshal(body, &e) != nil {
		t.Fatalf("%d %s", status, body)
	}
	if len(e.Shadows) != 1 || e.Shadows[0].Channel != "last" || len(e.Candidates) == 0 || e.Candidates[0].Channel != "first" {
		t.Errorf("%+v", e)
	}
	if err := syscall.Kill(r.process("acme").PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if got := r.post(chat, ask); got.status != 200 || got.header.Get("X-Site") != "first" {
			t.Fatalf("%+v", got)
		}
	}
}

// A plan that is too old is replaced as on_failure says.
func TestOnFailure(t *testing.T) {
	t.Parallel()
	r, _, _ := acme(t, "1.0.0", `strategy "acme/pin" {
    channel    = "last"
    max_stale  = "200ms"
    on_failure = "priority"
  }`, 1)
	if got := r.post(chat, ask); got.header.Get("X-Site") != "last" {
		t.Fatalf("%+v", got)
	}
	if err := syscall.Kill(r.process("acme").PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testhelp.Eventually(t, "the core plan is used", func() bool {
		got := r.post(chat, ask)
		if got.status != 200 {
			t.Fatalf("%+v", got)
		}
		p := r.plan()
		return p.CorePlan && strings.HasPrefix(p.Reason, "core plan, priority: ") && got.header.Get("X-Site") == "first"
	})
	if p := r.process("acme"); p.State != "quarantined" {
		t.Errorf("%+v", p)
	}
	var out admin.Reload
	if status := r.command("/api/plugins/acme/restart", &out); status != 200 {
		t.Fatalf("%d %+v", status, out)
	}
	r.serves("1.0.0")
}

// TestAPlanWithoutChannelsInTheDaemon: requests are refused with the plugin's reason, or go
// to the fallback channels.
func TestAPlanWithoutChannelsInTheDaemon(t *testing.T) {
	t.Parallel()
	for fault, fallback := range map[string]bool{"spent": false, "spent but for fallbacks": true} {
		r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}}
		first, last := site(t, "first"), site(t, "last")
		r.put("1.0.0 " + fault)
		r.lockAcme()
		config := acmeConfig(first, last, pinLast)
		i := strings.Index(config, `channel "last" {`) + len(`channel "last" {`)
		r.save(config[:i] + "\n  fallback = true" + config[i:])
		r.run()
		got := r.post(chat, ask)
		if fallback {
			if got.status != 200 || got.header.Get("X-Site") != "last" {
				t.Errorf("%+v", got)
			}
		} else if got.status == 200 || !strings.Contains(got.body, "the budget of today is spent") || first.Count()+last.Count() > 0 {
			t.Errorf("%d %s; the sites were sent %d requests", got.status, got.body, first.Count()+last.Count())
		}
		r.stop()
	}
}

// TestAPanicOfAPlugin is an error of that call, and its stack is in the log.
func TestAPanicOfAPlugin(t *testing.T) {
	t.Parallel()
	r, _, _ := acme(t, "1.0.0 panics", pinLast, 0)
	if got := r.post(chat, ask); got.status != 200 {
		t.Errorf("%+v", got)
	}
	testhelp.Eventually(t, "the stack is in the log", func() bool {
		log := r.log.String()
		return strings.Contains(log, "panic in Plan of strategy/pin") && strings.Contains(log, "out of coffee") && strings.Contains(log, "(*pin).Plan")
	})
	if p := r.process("acme"); p.Restarts != 0 || p.State != "running" {
		t.Errorf("%+v", p)
	}
}
