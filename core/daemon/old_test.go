package daemon_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// oldFile is what the earlier program called its configuration.
const oldFile = "tunnel.config.yaml"

// startWith runs a daemon with an unchanged configuration of that name.
func startWith(t *testing.T, name, text string) *running {
	t.Helper()
	r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}, file: name}
	saveOver(t, r.path(), text)
	r.run()
	return r
}

// oldFiles returns configurations of the earlier program for two sites, by name.
func oldFiles(first, second *fakesite.Site) map[string]string {
	const ports = "server: {port: 0, ui: {port: 0}}\n"
	return map[string]string{
		"second version": ports + fmt.Sprintf(`
channels:
  - name: first
    target: %s
    keys: [old-key-1, old-key-2]
    keyStrategy: round-robin
  - {name: second, target: "%s/base", keys: [old-key-3], weight: 50, fallback: true}
routes:
  - {path: /v1/**, channels: [first, second], strategy: priority}
  - {path: /v1beta/*, channels: [second]}
settings:
  retry: {maxRetries: 2, retryOn: [429, 500, 503], backoff: fixed, baseDelayMs: 10, maxDelayMs: 20}
`, first.URL(), second.URL()),
		"odd spellings": ports + fmt.Sprintf(`
x-shared: &keys ["old-key-1", "old-key-2"]
Channels:
  - {Name: first, target: %q, keys: *keys, key_strategy: RoundRobin, weight: "3"}
  - {name: second, target: %q, keys: old-key-3, Weight: 7}
routes:
  - {path: "*", channels: [second, unknown, first], strategy: round_robin}
settings: {retry: {max_retries: 1, retry_on: [502]}}
`, first.URL(), second.URL()),
		"first version": ports + fmt.Sprintf(`
sites:
  - {name: first, target: %q, localPort: 8080, remotePort: 9090, headers: {Authorization: "Bearer old-key-1"}}
  - {name: second, target: %q, localPort: 8081, remotePort: 9091}
`, first.URL(), second.URL()),
	}
}

// transcript sends a series of requests, and returns the answers and what each site got, in
// order.
func transcript(r *running, first, second *fakesite.Site) (out []string) {
	for _, s := range []*fakesite.Site{first, second} {
		s.Forget()
		s.ResetScript()
	}
	for i, b := range []fakesite.Behavior{
		fakesite.OK(), fakesite.OK(), fakesite.Status(500, "{}"), fakesite.Status(502, "{}"), fakesite.RateLimited(time.Hour), fakesite.Unauthorized(), fakesite.Status(404, "{}"),
	} {
		first.Next(b)
		for _, path := range []string{chat, "/v1beta/models/m:generateContent", "/v1/messages", "/other/path"} {
			got := r.post(path, ask, "Authorization", "Bearer callers-own")
			out = append(out, fmt.Sprintf("%d %s: %d by %q", i, path, got.status, got.header.Get("X-Site")))
		}
		first.ResetScript()
	}
	for _, s := range []*fakesite.Site{first, second} {
		for _, q := range s.Requests() {
			out = append(out, fmt.Sprintf("%s got %s with %s %s", s.Name(), q.Path, q.Style, q.Credential))
		}
	}
	for _, path := range []string{chat, "/v1beta/models/m:generateContent", "/nowhere"} {
		e := r.explain(fmt.Sprintf(`{"path":%q,"model":"m"}`, path))
		out = append(out, fmt.Sprintf("%s: %s by %s", path, e.Route, e.Strategy))
		for _, c := range e.Candidates {
			out = append(out, c.Channel)
		}
	}
	return out
}

// Requests are handled alike with an old file and with its conversion.
func TestAnOldFileBehavesLikeItsConversion(t *testing.T) {
	t.Parallel()
	first, second := site(t, "first"), site(t, "second")
	for name, text := range oldFiles(first, second) {
		t.Run(name, func(t *testing.T) {
			old := startWith(t, oldFile, text)
			want := transcript(old, first, second)
			converted, report := config.Convert(oldFile, []byte(text))
			if report.HasErrors() {
				t.Fatal(report.Lines())
			}
			got := transcript(startWith(t, config.FileName, string(converted)), first, second)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the conversion handles requests differently:\n%s", diff)
			}
			if len(want) < 40 || !strings.Contains(strings.Join(want, "\n"), `200 by "first"`) || !strings.Contains(strings.Join(want, "\n"), `200 by "second"`) {
				t.Errorf("the requests were not answered: %s", strings.Join(want, "\n"))
			}
		})
	}
}

// An old file is watched like any other, its errors are reported with their lines, and it is
// never written to.
func TestAnOldFileIsWatched(t *testing.T) {
	t.Parallel()
	first, second := site(t, "first"), site(t, "second")
	text := oldFiles(first, second)["second version"]
	r := startWith(t, oldFile, text)
	if got := r.post(chat, ask); got.header.Get("X-Site") != "first" {
		t.Fatalf("%+v", got)
	}
	saveOver(t, r.path(), strings.Replace(text, "channels: [first, second]", "channels: [second]", 1))
	testhelp.Eventually(t, "the edit is applied", func() bool { return r.post(chat, ask).header.Get("X-Site") == "second" })
	saveOver(t, r.path(), strings.Replace(text, "weight: 50", "weight: heavy", 1))
	testhelp.Eventually(t, "the error is reported", func() bool {
		for _, e := range r.events() {
			if e.Type == "reload" && strings.Contains(e.Message, oldFile+":8:") && strings.Contains(e.Message, "number") {
				return true
			}
		}
		return false
	})
	if got := r.post(chat, ask); got.header.Get("X-Site") != "second" {
		t.Errorf("an invalid edit changed something: %+v", got)
	}
	saveOver(t, r.path(), text)
	testhelp.Eventually(t, "the valid edit is applied", func() bool { return r.post(chat, ask).header.Get("X-Site") == "first" })
	status, _, b := r.ask("POST", "/api/channels/first/keys", `{"key":"another-key"}`)
	if status == http.StatusCreated || !strings.Contains(string(b), "init --from") {
		t.Errorf("adding a key: %d %s", status, b)
	}
}
