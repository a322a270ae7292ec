package daemon_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/admin"
)

// blocks is a configuration of named parts, which edits replace.
type blocks map[string]string

func (b blocks) text() string {
	out := byHand
	for _, name := range []string{"top", "proxy", "admin", "a", "b", "c", "r1", "r2", "rest"} {
		out += b[name] + "\n"
	}
	return out
}

// TestADryRunPredictsTheReload makes a series of edits: for each, the dry run has the same
// changes and effects as the reload, and they agree with what can be seen from outside,
// which are addresses and counters.
func TestADryRunPredictsTheReload(t *testing.T) {
	t.Parallel()
	first, second := site(t, "first"), site(t, "second")
	behavior := filepath.Join(t.TempDir(), "behavior")
	must(t, os.WriteFile(behavior, []byte("good"), 0o600))
	ports := []string{freePort(t), freePort(t), freePort(t)}
	proxyAt := func(p string) string { return fmt.Sprintf("proxy {\n listen = %q\n}", p) }
	channel := func(name, url, more string) string {
		return fmt.Sprintf("channel %q {\n target = %q\n %s\n}", name, url, more)
	}
	route := func(path, channels, strategy string) string {
		return fmt.Sprintf("route %q {\n channels = [%s]\n strategy %s\n}", path, channels, strategy)
	}
	now := blocks{
		"proxy": proxyAt(ports[0]), "admin": fmt.Sprintf("admin {\n listen = %q\n}", ports[2]),
		"a":    channel("a", first.URL(), `keys = ["key-a-1", "key-a-2"]`),
		"b":    channel("b", second.URL(), `keys = ["key-b-1"]`),
		"r1":   route("/v1/**", "channel.a, channel.b", `"priority" {}`),
		"rest": "log {\n level = \"info\"\n}",
	}
	r := start(t, now.text())
	edits := []struct{ part, text string }{
		{"a", channel("a", first.URL(), "weight = 3\n keys = [\"key-a-1\", \"key-a-2\"]")},
		{"a", channel("a", first.URL(), "weight = 3\n keys = [\"key-a-2\", \"key-a-1\"]")},
		{"a", channel("a", first.URL(), "weight = 3\n keys = [\"key-a-2\"]")},
		{"a", channel("a", first.URL(), "weight = 3\n keys = [\"key-a-2\", \"key-a-3\"]")},
		{"a", channel("a", first.URL(), "weight = 3\n key \"named\" {\n value = \"key-a-2\"\n }")},
		{"a", channel("a", first.URL()+"/base", "weight = 3\n keys = [\"key-a-2\"]")},
		{"a", channel("a", first.URL(), "weight = 3\n keys = [\"key-a-2\"]\n key_selector \"least-used\" {}")},
		{"a", channel("a", first.URL(), "weight = 3\n keys = [\"key-a-2\"]\n key_selector \"least-used\" {}\n health_check \"http\" {\n path = \"/v1/models\"\n interval = \"1h\"\n }")},
		{"a", channel("a", first.URL(), "weight = 3\n keys = [\"key-a-2\"]\n health_check \"http\" {\n path = \"/v1/models\"\n interval = \"2h\"\n }")},
		{"c", channel("c", second.URL(), `auth = "none"`)},
		{"r1", route("/v1/**", "channel.a, channel.b, channel.c", `"priority" {}`)},
		{"r1", route("/v1/**", "channel.c, channel.b, channel.a", `"priority" {}`)},
		{"r1", route("/v1/**", "channel.c, channel.b, channel.a", `"weighted" {}`)},
		{"r1", route("/v1/**", "channel.c, channel.b, channel.a", fmt.Sprintf("\"scripted\" {\n file = %q\n }", behavior))},
		{"r1", route("/v1/**", "channel.c, channel.b, channel.a", `"round-robin" {}`)},
		{"r2", route("/**", "channel.b", `"priority" {}`)},
		{"r2", route("/x/**", "channel.b", `"priority" {}`)},
		{"r2", ""},
		{"proxy", proxyAt(ports[1])},
		{"proxy", proxyAt(ports[0])},
		{"proxy", fmt.Sprintf("proxy {\n listen = %q\n client_tokens = [\"token-of-a-client-1\"]\n}", ports[0])},
		{"proxy", proxyAt(ports[0])},
		{"rest", "retry {\n max_retries = 5\n}\nlog {\n level = \"info\"\n}"},
		{"rest", "breaker {\n failures = 7\n}\nlog {\n level = \"info\"\n}"},
		{"rest", "log {\n level = \"debug\"\n format = \"json\"\n}"},
		{"c", ""},
		{"c", channel("c", second.URL(), `auth = "none"`)},
		{"b", channel("b", second.URL(), "keys = [\"key-b-1\"]\n fallback = true\n models = [\"x-*\"]")},
		{"b", channel("b", second.URL(), "keys = [\"key-b-1\"]\n timeouts {\n connect = \"3s\"\n }")},
		{"top", "locals {\n unused = 1\n}\n# a comment alone"},
		{"top", ""},
		{"a", channel("a", second.URL(), "keys = [\"key-a-1\"]")},
	}
	if len(edits) < 30 {
		t.Fatal("too few edits")
	}
	silent := 0
	for i, e := range edits {
		now[e.part] = e.text
		if e.part == "c" && e.text == "" {
			now["r1"] = route("/v1/**", "channel.a, channel.b", `"round-robin" {}`)
		}
		r.save(now.text())
		name := fmt.Sprintf("edit %d, of %s", i+1, e.part)
		r.moveTo("http://" + r.ProxyAddr())
		for range 2 { // so that each channel has requests
			if got := r.post(chat, ask, "Authorization", "Bearer token-of-a-client-1"); got.status != 200 {
				t.Fatalf("%s: %+v", name, got)
			}
		}
		generation, address, before := r.generation(), r.ProxyAddr(), r.requestsByChannel()
		var dryRun admin.Reload
		if status := r.command("/api/config/plan", &dryRun); status != http.StatusOK || !dryRun.OK {
			t.Fatalf("%s: dry run: %d %+v", name, status, dryRun)
		}
		if r.generation() != generation || r.ProxyAddr() != address {
			t.Fatalf("%s: the dry run changed something", name)
		}
		applied := r.reload()
		if diff := cmp.Diff(dryRun.Changes, applied.Changes); diff != "" {
			t.Errorf("%s: changes of the dry run and of the reload (-dry run +reload): %s", name, diff)
		}
		if diff := cmp.Diff(dryRun.Effects, applied.Effects); diff != "" {
			t.Errorf("%s: effects of the dry run and of the reload (-dry run +reload): %s", name, diff)
		}
		checkCodes(t, name, dryRun, "dry_run")
		checkCodes(t, name, applied, "requested")
		if len(dryRun.Changes) == 0 {
			silent++
			if r.generation() != generation {
				t.Errorf("%s: without changes there is a new generation", name)
			}
		} else if r.generation() != generation+1 {
			t.Errorf("%s: generation %d after %d", name, r.generation(), generation)
		}
		if moved := slices.ContainsFunc(dryRun.Effects, func(e string) bool { return strings.HasPrefix(e, "listen on ") }); moved != (r.ProxyAddr() != address) {
			t.Errorf("%s: the address was %s and is %s; effects %q", name, address, r.ProxyAddr(), dryRun.Effects)
		}
		after := r.requestsByChannel()
		effect := func(verb, channel string) bool {
			return slices.Contains(dryRun.Effects, fmt.Sprintf("%s channel %q", verb, channel))
		}
		for channel, n := range after {
			had, existed := before[channel]
			created, restored := effect("create", channel), effect("restore", channel)
			if !existed && created == restored {
				t.Errorf("%s: channel %s is new; effects %q", name, channel, dryRun.Effects)
			}
			if existed && n != had || !existed && (n > 0) != restored { // a new target keeps the counters
				t.Errorf("%s: channel %s had %d requests and has %d; effects %q", name, channel, had, n, dryRun.Effects)
			}
		}
		for channel := range before {
			if _, exists := after[channel]; exists == effect("retire", channel) {
				t.Errorf("%s: channel %s still exists: %v; effects %q", name, channel, exists, dryRun.Effects)
			}
		}
		if again := r.reload(); len(again.Changes) != 0 {
			t.Errorf("%s: a second reload changed %+v", name, again.Changes)
		}
	}
	if silent != 2 {
		t.Errorf("%d edits changed nothing, want 2", silent)
	}
}

func (r *running) requestsByChannel() map[string]uint64 {
	r.t.Helper()
	var all []admin.Channel
	r.adminGet("/api/channels", &all)
	out := map[string]uint64{}
	for _, c := range all {
		out[c.Name] = c.Stats.TotalRequests
	}
	return out
}

// checkCodes checks that the outcome of a reload has no words where programs need codes and names.
func checkCodes(t *testing.T, name string, r admin.Reload, cause admin.CauseCode) {
	t.Helper()
	code := regexp.MustCompile(`^[a-z_]+$`)
	if r.Cause != cause {
		t.Errorf("%s: cause %q, want %q", name, r.Cause, cause)
	}
	if len(r.EffectList) != len(r.Effects) {
		t.Errorf("%s: %d effects in words, %d with codes", name, len(r.Effects), len(r.EffectList))
	}
	for i, e := range r.EffectList {
		if !code.MatchString(e.Code) || !code.MatchString(e.Kind) || e.Subject == "" || strings.ContainsAny(e.Subject, ` "()`) {
			t.Errorf("%s: %+v is %q", name, e, r.Effects[i])
		}
	}
	for _, c := range r.Changes {
		if !code.MatchString(c.Type) || strings.HasSuffix(c.Block, `"`) && !strings.HasSuffix(c.Block, strconv.Quote(c.Name)) {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
