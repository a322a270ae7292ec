package daemon_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/fakesite"
)

func (r *running) explain(question string) (out admin.Explanation) {
	r.t.Helper()
	if err := json.Unmarshal(r.must(http.StatusOK, "POST", "/api/explain", question), &out); err != nil {
		r.t.Fatal(err)
	}
	return out
}

// tried returns the candidates of an explanation, as "channel key".
func tried(e admin.Explanation) (all []string) {
	for _, c := range e.Candidates {
		all = append(all, strings.TrimSpace(c.Channel+" "+c.Key))
	}
	return all
}

// TestAPreferredChannelIsTriedFirst prefers the fallback, restarts, lets it fail, and
// prefers the other channel.
func TestAPreferredChannelIsTriedFirst(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, ""))
	by := func() string { return r.post(chat, `{"model":"m"}`).header.Get("X-Site") }
	if got := by(); got != "primary" {
		t.Fatalf("before any preference %q answered", got)
	}
	r.must(http.StatusOK, "POST", "/api/channels/backup/switch", "")
	if got := by(); got != "backup" || !r.channel("backup").First {
		t.Errorf("with the backup preferred, %q answered", got)
	}
	e := r.explain(`{"path":"/v1/chat/completions","model":"m"}`)
	if got := tried(e); len(got) != 2 || !strings.HasPrefix(got[0], "backup ") || !strings.Contains(e.Candidates[0].Reason, "by the user") {
		t.Errorf("%+v", e)
	}
	r.stop()
	r.run()
	if got := by(); got != "backup" {
		t.Errorf("after a restart %q answered", got)
	}
	backup.Always(fakesite.Reset())
	if got := by(); got != "primary" {
		t.Errorf("with a preferred channel that fails, %q answered", got)
	}
	backup.ResetScript()
	r.must(http.StatusOK, "POST", "/api/channels/primary/switch", `{"on":true}`)
	if r.channel("backup").First || !r.channel("primary").First {
		t.Error("a route has two preferred channels")
	}
	r.must(http.StatusOK, "POST", "/api/channels/primary/switch", `{"on":false}`)
	if r.channel("primary").First {
		t.Error("the channel is still preferred")
	}
	r.must(http.StatusNotFound, "POST", "/api/channels/none/switch", "")
}

func TestAPauseSurvivesReloadAndRestart(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, ""))
	var got admin.Channel
	if err := json.Unmarshal(r.must(http.StatusOK, "POST", "/api/channels/primary/toggle", ""), &got); err != nil || got.Enabled || got.Name != "primary" {
		t.Fatalf("%+v %v", got, err)
	}
	r.must(http.StatusOK, "PUT", "/api/channels/backup", `{"weight":2}`)
	r.stop()
	r.run()
	if a := r.post(chat, `{"model":"m"}`); a.header.Get("X-Site") != "backup" || len(primary.Requests()) > 0 {
		t.Errorf("after a restart %q answered, want the channel that is not paused", a.header.Get("X-Site"))
	}
	e := r.explain(`{"path":"/v1/x"}`)
	if !slices.ContainsFunc(e.Skipped, func(s admin.Skipped) bool { return s.Channel == "primary" && s.Why == "paused" }) {
		t.Errorf("%+v", e)
	}
	r.must(http.StatusOK, "POST", "/api/channels/primary/toggle", `{"enabled":true}`)
	r.must(http.StatusOK, "POST", "/api/channels/primary/toggle", `{"enabled":true}`)
	if !r.channel("primary").Enabled {
		t.Error("the channel is still paused")
	}
	if n := len(slices.DeleteFunc(r.events(), func(e event.Event) bool { return e.Type != event.TypeChannelToggle })); n != 1 {
		t.Errorf("%d toggle events since the restart, want 1", n)
	}
}

// TestExplainPredictsTheNextRequest compares them for each strategy, and checks that
// explaining changes nothing.
func TestExplainPredictsTheNextRequest(t *testing.T) {
	t.Parallel()
	sites := []*fakesite.Site{site(t, "a"), site(t, "b"), site(t, "c")}
	for _, strategy := range []string{"priority", "round-robin", "weighted", "least-busy", "sticky"} {
		config := ""
		for i, s := range sites {
			config += fmt.Sprintf("channel %q {\n target = %q\n weight = %d\n keys = [\"key-%s-1\", \"key-%s-2\"]\n}\n", s.Name(), s.URL(), i+1, s.Name(), s.Name())
		}
		r := start(t, config+fmt.Sprintf("route \"/**\" {\n channels = [channel.a, channel.b, channel.c]\n strategy %q {}\n}\n", strategy))
		for n := range 12 {
			header := fmt.Sprintf("session-%d", n)
			question := fmt.Sprintf(`{"path":"/v1/chat/completions","headers":{"X-Session-Id":%q}}`, header)
			e := r.explain(question)
			if again := r.explain(question); strategy != "weighted" && !slices.Equal(tried(e), tried(again)) {
				t.Errorf("%s: explained as %v, and the second time as %v", strategy, tried(e), tried(again))
			}
			r.post(chat, `{}`, "X-Session-Id", header)
			got := r.lastRequest()
			if len(e.Candidates) != 3 || e.Route != "/**" || e.Strategy != strategy || e.Candidates[0].Channel+e.Candidates[0].Key != got.Channel+got.Key {
				t.Errorf("%s: explained as %+v, but the request went to %s with %s", strategy, e, got.Channel, got.Key)
			}
		}
		r.stop()
	}
}

func TestExplainSaysWhyAChannelIsSkipped(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, "channel \"narrow\" {\n target = \"http://127.0.0.1:1\"\n keys = [\"key-narrow-1\"]\n models = [\"claude-*\"]\n}\n"))
	primary.ForKey("key-primary-1", fakesite.RateLimited(time.Minute))
	r.post(chat, `{"model":"gpt"}`)
	n := len(primary.Requests())
	e := r.explain(`{"path":"/v1/chat/completions","model":"gpt"}`)
	limited := r.channel("primary").Keys.List[0].ID
	for _, want := range []admin.Skipped{{Channel: "primary", Key: limited, Why: "rate_limited", Reason: "429 Too Many Requests (rate_limit_exceeded): the key has reached a rate limit"}, {Channel: "narrow", Why: "model_not_served"}} {
		if !slices.Contains(e.Skipped, want) {
			t.Errorf("%+v is not among %+v", want, e.Skipped)
		}
	}
	if len(primary.Requests()) != n {
		t.Error("explain sent a request")
	}
	if e := r.explain(`{"path":"/v1beta/models/claude-9:generateContent"}`); len(e.Candidates) != 3 {
		t.Errorf("the model in a path: %+v", e)
	}
	r.must(http.StatusBadRequest, "POST", "/api/explain", `{"model":"m"}`)
}

func TestAHealthCheckCanBeRequested(t *testing.T) {
	t.Parallel()
	home, bare := site(t, "home"), site(t, "bare")
	r := start(t, fmt.Sprintf("channel \"home\" {\n target = %q\n keys = [\"key-home-1\"]\n health_check \"http\" {\n  path = \"/v1/models\"\n  interval = \"1h\"\n  fall = 1\n }\n}\nchannel \"bare\" {\n target = %q\n keys = [\"key-bare-1\"]\n}\n", home.URL(), bare.URL()))
	check := func(channel string, status int) (out admin.CheckResult) {
		t.Helper()
		if err := json.Unmarshal(r.must(status, "POST", "/api/channels/"+channel+"/check", ""), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := check("home", http.StatusOK); !got.OK || got.Health != "up" || got.Latency <= 0 || got.At.IsZero() {
		t.Errorf("%+v", got)
	}
	home.Always(fakesite.Reset())
	if got := check("home", http.StatusOK); got.OK || got.Health != "down" || got.Message == "" {
		t.Errorf("%+v", got)
	}
	if c := r.channel("home"); c.HealthCheck != "http" || c.CheckedAt == nil || c.Health != "down" {
		t.Errorf("%+v", c)
	}
	if got := check("bare", http.StatusOK); !got.OK || got.Health != "unknown" || !strings.Contains(got.Message, "lists 1 model") {
		t.Errorf("without a health check: %+v", got)
	}
	bare.Always(fakesite.Reset())
	if got := check("bare", http.StatusOK); got.OK || got.Message == "" {
		t.Errorf("without a health check: %+v", got)
	}
	check("none", http.StatusNotFound)
}
