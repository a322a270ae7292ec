package daemon_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// ask sends a request to the admin API, at its port if there is a token among
// the headers, otherwise at the socket. Header names and values alternate.
func (r *running) ask(method, path, body string, header ...string) (int, http.Header, []byte) {
	r.t.Helper()
	at, by := "http://aitunnel", r.controlClient()
	if slices.Contains(header, "Authorization") {
		at, by = "http://"+r.AdminAddr(), client
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, at+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for pair := range slices.Chunk(header, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	resp, err := by.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, b
}

// must is ask for what has to succeed.
func (r *running) must(status int, method, path, body string, header ...string) []byte {
	r.t.Helper()
	got, _, b := r.ask(method, path, body, header...)
	if got != status {
		r.t.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, b)
	}
	return b
}

func (r *running) text() string {
	r.t.Helper()
	b, err := os.ReadFile(r.path())
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

// commented is a configuration with comments and one channel with one key.
const commented = `# What I use.
channel "home" {
  target = %q   # pays well
  keys   = [
    "key-home-1", # mine
  ]
  key_selector "sequential" {}
}
`

func TestAKeyThatIsAddedIsUsedByTheNextRequest(t *testing.T) {
	t.Parallel()
	home := site(t, "home")
	r := start(t, fmt.Sprintf(commented, home.URL()))
	before := r.text()
	if err := os.Chmod(r.path(), 0o640); err != nil { //nolint:gosec // what is to be kept
		t.Fatal(err)
	}
	added := r.must(http.StatusCreated, "POST", "/api/channels/home/keys", `{"key":"sk-new-4711-secret","label":"fresh"}`)
	if strings.Contains(string(added), "4711") {
		t.Errorf("the key is shown: %s", added)
	}
	if strings.Contains(string(added), `"shown":""`) {
		t.Errorf("the added key has no name: %s", added)
	}
	home.ForKey("key-home-1", fakesite.RateLimited(time.Minute))
	if a := r.post(chat, `{"model":"m"}`); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := seen(home); !slices.Equal(got, []string{"key-home-1", "sk-new-4711-secret"}) {
		t.Errorf("the site saw %q", got)
	}
	after := r.text()
	want := strings.Replace(before, "  ]\n", "  ]\n  key \"fresh\" {\n    value = \"sk-new-4711-secret\"\n  }\n", 1)
	if after != want {
		t.Errorf("the text is now:\n%s", after)
	}
	if info, err := os.Stat(r.path()); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	r.stop()
	r.run()
	if keys := r.channel("home").Keys; keys.Total != 2 || keys.List[1].ID != "fresh" {
		t.Errorf("after a restart: %+v", keys)
	}
	r.must(http.StatusOK, "DELETE", "/api/channels/home/keys/fresh", "")
	if r.text() != before {
		t.Errorf("after the key was removed the text is:\n%s", r.text())
	}
	for path, want := range map[string]int{"/api/channels/home/keys/9": 404, "/api/channels/none/keys/0": 404, "/api/channels/home/keys/0": 422} {
		if got, _, b := r.ask("DELETE", path, ""); got != want {
			t.Errorf("DELETE %s: %d %s", path, got, b)
		}
	}
	if r.text() != before {
		t.Errorf("a refused edit is in the text:\n%s", r.text())
	}
}

func TestEphemeralKeysAreInNoFile(t *testing.T) {
	t.Parallel()
	home := site(t, "home")
	r := start(t, fmt.Sprintf(commented, home.URL()))
	before := r.text()
	var key struct {
		admin.Key
		Reload admin.Reload
	}
	if err := json.Unmarshal(r.must(http.StatusCreated, "POST", "/api/channels/home/keys", `{"key":"key-passing-1","ephemeral":true}`), &key); err != nil || !key.Ephemeral || !key.Reload.OK {
		t.Fatalf("%+v %v", key, err)
	}
	r.must(http.StatusConflict, "POST", "/api/channels/home/keys", `{"key":"key-passing-1","ephemeral":true}`)
	r.must(http.StatusOK, "PUT", "/api/channels/home", `{"weight":3}`) // another generation
	if keys := r.channel("home").Keys; keys.Total != 2 || !keys.List[1].Ephemeral || strings.Contains(r.text(), "passing") {
		t.Errorf("%+v in\n%s", keys, r.text())
	}
	r.must(http.StatusOK, "DELETE", "/api/channels/home/keys/"+key.ID, "")
	if keys := r.channel("home").Keys; keys.Total != 1 {
		t.Errorf("%+v", keys)
	}
	if want := strings.Replace(before, "  ]\n", "  ]\n  weight = 3\n", 1); r.text() != want {
		t.Errorf("%s", r.text())
	}
}

func TestChannelsAreAddedChangedAndRemoved(t *testing.T) {
	t.Parallel()
	home, other := site(t, "home"), site(t, "other")
	r := start(t, fmt.Sprintf(commented, home.URL())+"route \"/v1/**\" {\n  channels = [channel.home] # for now\n}\n")
	before := r.text()
	r.must(http.StatusCreated, "POST", "/api/channels", fmt.Sprintf(`{"name":"other","target":%q,"weight":50,"keys":[{"key":"key-other-1"}],"routes":["/v1/**"]}`, other.URL()))
	if a := r.post(chat, `{"model":"m"}`); a.header.Get("X-Site") != "other" {
		t.Errorf("status %d, answered by %s", a.status, a.header.Get("X-Site"))
	}
	r.must(http.StatusOK, "PUT", "/api/channels/other", `{"weight":0.5,"fallback":true,"models":["gpt-*"]}`)
	if c := r.channel("other"); c.Weight != 0.5 || !c.Fallback || len(c.Models) != 1 || c.Stats.TotalRequests != 1 || !strings.Contains(c.Where, ":") {
		t.Errorf("%+v", c)
	}
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/api/channels", `{"name":"other","target":"https://x.example"}`, 409},
		{"POST", "/api/channels", `{"name":"new"}`, 400},
		{"POST", "/api/channels", `{"name":"new","target":"ftp://x","keys":[{"key":"k-1"}]}`, 422},
		{"POST", "/api/channels", `{"name":"new","target":"https://x.example","keys":[{"key":"k-1"}],"routes":["/none"]}`, 409},
		{"POST", "/api/channels", `{"name":"new","targets":"https://x.example"}`, 400},
		{"PUT", "/api/channels/other", `{"name":"another"}`, 400},
		{"PUT", "/api/channels/none", `{"weight":1}`, 404},
		{"PUT", "/api/channels/other", `{"weight":-1}`, 422},
		{"DELETE", "/api/channels/none", ``, 404},
		{"DELETE", "/api/channels/home", ``, 200},
		{"DELETE", "/api/channels/other", ``, 422}, // the last one
	} {
		got, _, b := r.ask(c.method, c.path, c.body)
		if got != c.want {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, got, b)
		}
		var e struct {
			Error struct{ Details []struct{ Line int } }
		}
		if err := json.Unmarshal(b, &e); err != nil || got == 422 && (len(e.Error.Details) == 0 || e.Error.Details[0].Line == 0) {
			t.Errorf("%s %s: %v %s", c.method, c.path, err, b)
		}
	}
	if text := r.text(); !strings.Contains(text, "channels = [channel.other] # for now") || !strings.Contains(text, "# What I use.") || strings.Contains(text, `channel "home"`) {
		t.Errorf("from\n%s\ncame\n%s", before, text)
	}
}

// TestOfConcurrentEditsOneIsApplied makes many edits of the same text at once, as browsers
// do: those that succeed are in the text, and all others are refused.
func TestOfConcurrentEditsOneIsApplied(t *testing.T) {
	t.Parallel()
	home := site(t, "home")
	r := start(t, fmt.Sprintf(commented, home.URL()))
	var shown admin.ConfigText
	r.adminGet("/api/config", &shown)
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			b, _ := json.Marshal(admin.Draft{Text: shown.Text + fmt.Sprintf("# remark %d\n", i)})
			status, _, answer := r.ask("PUT", "/api/config", string(b), "If-Match", `"`+shown.ETag+`"`)
			mu.Lock()
			defer mu.Unlock()
			got[status]++
			if status == http.StatusPreconditionFailed && !strings.Contains(string(answer), `"code":"stale"`) {
				t.Errorf("%s", answer)
			}
		})
		wg.Go(func() { // edits of one thing do not undo each other
			r.must(http.StatusCreated, "POST", "/api/channels/home/keys", fmt.Sprintf(`{"key":"key-added-%d"}`, i))
		})
	}
	wg.Wait()
	if got[200] > 1 || got[200]+got[412] != 8 {
		t.Errorf("answers: %v", got)
	}
	if keys := r.channel("home").Keys; keys.Total != 9 {
		t.Errorf("%d keys:\n%s", keys.Total, r.text())
	}
	// The same with a generation.
	status := admin.Status{}
	r.adminGet("/api/status", &status)
	tag := fmt.Sprintf("%q", fmt.Sprint(status.Generation))
	r.must(http.StatusOK, "PUT", "/api/channels/home", `{"weight":7}`, "If-Match", tag)
	r.must(http.StatusPreconditionFailed, "PUT", "/api/channels/home", `{"weight":8}`, "If-Match", tag)
	if w := r.channel("home").Weight; w != 7 {
		t.Errorf("the weight is %v", w)
	}
}

func TestTheTextIsShownWithoutSecretsAndReplaced(t *testing.T) {
	t.Parallel()
	home := site(t, "home")
	r := start(t, fmt.Sprintf(commented, home.URL()))
	before := r.text()
	var shown admin.ConfigText
	r.adminGet("/api/config", &shown)
	if strings.Contains(shown.Text, "key-home-1") || !strings.Contains(shown.Text, "(hidden:") || shown.Text != shown.Files[0].Text {
		t.Fatalf("%+v", shown)
	}
	put := func(want int, text string, header ...string) []byte {
		t.Helper()
		b, _ := json.Marshal(admin.Draft{Text: text})
		return r.must(want, "PUT", "/api/config", string(b), header...)
	}
	put(http.StatusPreconditionRequired, shown.Text)
	put(http.StatusPreconditionFailed, shown.Text, "If-Match", `"c-000000000000000000000000"`)
	put(http.StatusOK, shown.Text, "If-Match", `"`+shown.ETag+`"`)
	if r.text() != before {
		t.Errorf("the text came back as\n%s", r.text())
	}
	wrong := put(http.StatusUnprocessableEntity, strings.Replace(shown.Text, "keys   =", "kees   =", 1), "If-Match", "*")
	if !strings.Contains(string(wrong), `"line":4`) || strings.Contains(string(wrong), "key-home-1") {
		t.Errorf("%s", wrong)
	}
	put(http.StatusUnprocessableEntity, shown.Text+"# (hidden:0000000000000000)\n", "If-Match", "*")
	draft, _ := json.Marshal(admin.Draft{Text: strings.Replace(shown.Text, "  key_selector", "  weight = 4\n  key_selector", 1)})
	if plan := r.must(http.StatusOK, "POST", "/api/config/plan", string(draft)); !strings.Contains(string(plan), `"fields":["weight"]`) {
		t.Errorf("%s", plan)
	}
	if r.text() != before || r.channel("home").Weight != 1 {
		t.Errorf("a plan or a refused text was written:\n%s", r.text())
	}
	put(http.StatusOK, strings.Replace(shown.Text, "  key_selector", "  weight = 4\n  key_selector", 1), "If-Match", "*")
	if r.channel("home").Weight != 4 || !strings.Contains(r.text(), `"key-home-1", # mine`) {
		t.Errorf("%s", r.text())
	}
}

// TestAnEditIsSeenOnce: an edit through the API, while the files are watched, does not
// cause a second reload.
func TestAnEditIsSeenOnce(t *testing.T) {
	t.Parallel()
	home := site(t, "home")
	r := start(t, fmt.Sprintf(commented, home.URL()))
	reloads := func() (n int) {
		for _, e := range r.events() {
			if e.Type == event.TypeReload {
				n++
			}
		}
		return n
	}
	for i := range 3 {
		r.must(http.StatusOK, "PUT", "/api/channels/home", fmt.Sprintf(`{"weight":%d}`, 2+i))
	}
	r.must(http.StatusUnprocessableEntity, "PUT", "/api/channels/home", `{"weight":-1}`)
	// That nothing happens has no state to wait for, and an edit by hand would hide a second
	// reload, since both would be applied together. The files are compared every 2 seconds.
	time.Sleep(3 * time.Second)
	if n := reloads(); n != 4 {
		t.Errorf("%d reloads for four edits", n)
	}
	r.save(strings.Replace(r.text(), "weight = 4", "weight = 9", 1))
	testhelp.Eventually(t, "an edit by hand is applied", func() bool { return r.channel("home").Weight == 9 })
	if n := reloads(); n != 5 {
		t.Errorf("%d reloads", n)
	}
}

// TestAnOpenAdminPortWithoutATokenIsRefused: the program does not start, and an edit that
// would open the port changes nothing.
func TestAnOpenAdminPortWithoutATokenIsRefused(t *testing.T) {
	t.Parallel()
	home := site(t, "home")
	open := "admin {\n  listen = \"0.0.0.0:0\"\n}\n"
	path := filepath.Join(t.TempDir(), "aitunnel.hcl")
	if err := os.WriteFile(path, []byte(complete(fmt.Sprintf(commented, home.URL())+open)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := daemon.Start(t.Context(), daemon.Options{ConfigPath: path, StateDir: t.TempDir(), Builtin: []string{plugins}, LogOutput: io.Discard})
	if wrong := (*reload.ConfigError)(nil); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "set admin.token") {
		t.Errorf("%v", err)
	}
	r := start(t, fmt.Sprintf(commented, home.URL()))
	b, _ := json.Marshal(admin.Draft{Text: strings.Replace(r.text(), "listen = \"127.0.0.1:0\"", "listen = \"0.0.0.0:0\"", 2)})
	r.must(http.StatusUnprocessableEntity, "PUT", "/api/config", string(b), "If-Match", "*")
	if strings.Contains(r.text(), "0.0.0.0") {
		t.Errorf("%s", r.text())
	}
}
