//go:build linux

package daemon_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fakesite"
)

// planted are secrets, named after where they are. The middle part of each is searched for,
// since the ends of a key may be shown.
var planted = map[string]string{
	"literal key":      "sk-aq7Zw1Xe9Cr3Vt5-lit1",
	"key of env":       "sk-bm4Nn6Bb8Vv0Cc2-env1",
	"key of a file":    "sk-ca1Ss3Dd5Ff7Gg9-fil1",
	"key with a label": "sk-dp0Oo9Ii8Uu7Yy6-lab1",
	"key in a query":   "sk-el2Kk4Jj6Hh8Gg0-que1",
	"client token":     "tk-fz9Xx7Cc5Vv3Bb1-cli1",
	"admin token":      "tk-gw5Qq3Aa1Ss9Dd7-adm1",
	"tunnel password":  "pw-hh3Jj5Kk7Ll9Zz1-tun1",
	"key of the API":   "sk-iv6Bb8Nn0Mm2Qq4-api1",
	"key of an edit":   "sk-jr7Tt9Yy1Uu3Ii5-edi1",
	"a caller's key":   "sk-ks8Dd0Ff2Gg4Hh6-own1",
}

// leaked returns the secrets of which a part is in the text.
func leaked(said []byte) (out []string) {
	for place, value := range planted {
		if bytes.Contains(said, []byte(value[4:len(value)-6])) {
			out = append(out, place)
		}
	}
	return out
}

// TestNoSecretLeavesTheProgram makes requests and edits of all kinds, and searches the log,
// the events, every answer of the API, the state on disk, and the environment and memory of
// the plugin's process.
func TestNoSecretLeavesTheProgram(t *testing.T) {
	t.Setenv("CANARY_KEY", planted["key of env"])
	t.Setenv("CANARY_ADMIN", planted["admin token"])
	file := filepath.Join(t.TempDir(), "team.key")
	if err := os.WriteFile(file, []byte(planted["key of a file"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	primary, query := site(t, "primary"), site(t, "query")
	r := start(t, fmt.Sprintf(`
proxy {
  listen        = "127.0.0.1:0"
  client_tokens = [%q]
}
admin {
  listen = "127.0.0.1:0"
  token  = env("CANARY_ADMIN")
}
tunnel "vps" {
  host     = "127.0.0.1:9"
  user     = "nobody"
  password = %q
  forward "127.0.0.1:0" {}
}
channel "canary-primary" {
  target = %q
  keys   = [%q, env("CANARY_KEY"), file(%q)]
  key "team" {
    value = %q
  }
  key_selector "least-used" {}
  health_check "completion" {
    model    = "gpt-x"
    interval = "100ms"
  }
  timeouts { stream_idle = "500ms" }
}
channel "canary-query" {
  target   = %q
  auth     = "query:key"
  keys     = [%q]
  fallback = true
}
log { level = "trace" }
retry {
  base_delay = "10ms"
  max_delay  = "50ms"
}
`, planted["client token"], planted["tunnel password"], primary.URL(), planted["literal key"], file, planted["key with a label"], query.URL(), planted["key in a query"]))
	c := &secretSearch{running: r, stream: r.follow()}
	c.requests(primary, query)
	c.edits()
	c.everything()
	c.plugins()
	c.files()
	r.stop()
	c.search("the log", []byte(r.log.String()))
	if log := r.log.String(); strings.Count(log, "\n") < 20 || !strings.Contains(log, "canary-primary") {
		t.Errorf("the log is nearly empty:\n%s", log)
	}
}

type secretSearch struct {
	*running
	stream func() []byte // ends it
}

func (c *secretSearch) search(where string, said []byte) {
	c.t.Helper()
	for _, place := range leaked(said) {
		c.t.Errorf("%s shows the %s", where, place) // and not what it is
	}
}

// api asks the API with the token.
func (c *secretSearch) api(method, path, body string, header ...string) (int, []byte) {
	c.t.Helper()
	status, h, b := c.ask(method, path, body, append(header, "Authorization", "Bearer "+planted["admin token"])...)
	c.search(method+" "+path, b)
	c.search("the header of "+method+" "+path, fmt.Append(nil, h))
	return status, b
}

// follow reads the event stream until the function it returns is called.
func (r *running) follow() (stop func() []byte) {
	ctx, cancel := context.WithCancel(r.t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.AdminAddr()+"/api/logs", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+planted["admin token"])
	resp, err := client.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		r.t.Fatal(resp, err)
	}
	done := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(bufio.NewReader(resp.Body))
		_ = resp.Body.Close()
		done <- b
	}()
	return func() []byte {
		cancel()
		return <-done
	}
}

// requests makes requests that fail in all ways, at sites that repeat the key that they
// were sent.
func (c *secretSearch) requests(primary, query *fakesite.Site) {
	echo := func(code int) fakesite.Behavior {
		return func(x *fakesite.Exchange) {
			fakesite.Status(code, fmt.Sprintf(`{"error":{"message":"Incorrect API key provided: %[1]s","code":"%[1]s","type":"%[1]s"}}`, x.Credential), "X-Echo", x.Credential)(x)
		}
	}
	answered := map[int]int{}
	ask := func(path, body string, headers ...string) {
		got := c.post(path, body, append(headers, "X-Own", planted["a caller's key"])...)
		answered[got.status]++
	}
	own := []string{"Authorization", "Bearer " + planted["client token"]}
	ask(chat, ask1, own...)
	ask(chat, ask1, "Authorization", "Bearer "+planted["a caller's key"])
	ask("/v1beta/models/m:generateContent?key="+planted["client token"], "{}")
	for _, b := range []fakesite.Behavior{
		echo(401), echo(403), echo(429), echo(402), echo(400), echo(500), echo(502),
		fakesite.Challenge(), fakesite.Reset(), fakesite.EmptyOK(), fakesite.OutOfQuota(), fakesite.CutAfterEvents(2), fakesite.HangAfterEvents(2), fakesite.RateLimited(time.Hour),
	} {
		primary.Always(b)
		query.Next(echo(503), echo(503))
		ask(chat, askStream, own...)
		for _, key := range []string{"canary-primary", "canary-query"} {
			_, _ = c.api("POST", "/api/channels/"+key+"/toggle", `{"enabled":false}`)
			_, _ = c.api("POST", "/api/channels/"+key+"/toggle", `{"enabled":true}`)
		}
	}
	query.Always(fakesite.Reset())
	ask(chat, ask1, own...)
	primary.ResetScript()
	query.ResetScript()
	if len(answered) < 3 || answered[200] == 0 || answered[401] == 0 {
		c.t.Errorf("unexpected results of requests: %v", answered)
	}
}

const ask1 = `{"model":"gpt-x","messages":[]}`

// edits makes valid and invalid edits with new keys.
func (c *secretSearch) edits() {
	if status, b := c.api("POST", "/api/channels/canary-query/keys", fmt.Sprintf(`{"key":%q,"label":"new"}`, planted["key of the API"])); status != http.StatusCreated {
		c.t.Errorf("adding a key: %d %s", status, b)
	}
	good := c.text()
	for _, wrong := range []string{
		strings.Replace(good, `key "team" {`, fmt.Sprintf("kye \"team\" {\n other = %q", planted["key of an edit"]), 1),
		strings.Replace(good, `weight`, `wieght`, 1) + "\nchannel \"x\" {\n keys = [" + planted["key of an edit"] + "]\n}\n",
		good[:len(good)/2] + fmt.Sprintf("\n keys = [%q\n", planted["key of an edit"]),
		strings.Replace(good, `"least-used" {}`, fmt.Sprintf(`"least-used" { window = %q }`, planted["key of an edit"]), 1),
	} {
		draft, _ := json.Marshal(map[string]string{"text": wrong})
		if status, _ := c.api("POST", "/api/config/plan", string(draft)); status == http.StatusOK {
			c.t.Error("the dry run of an invalid configuration succeeded")
		}
		c.save(wrong)
		_, _ = c.api("POST", "/api/config/reload", "")
	}
	c.save(good + fmt.Sprintf("\nchannel \"more\" {\n target = \"http://127.0.0.1:9\"\n keys = [%q]\n}\n", planted["key of an edit"]))
	if status, b := c.api("POST", "/api/config/reload", ""); status != http.StatusOK {
		c.t.Errorf("a valid configuration: %d %s", status, b)
	}
}

// everything asks every endpoint that shows something.
func (c *secretSearch) everything() {
	for _, path := range []string{
		"/api/status", "/api/channels", "/api/routes", "/api/tunnels", "/api/plugins", "/api/stats", "/api/logs/recent?n=1000",
		"/api/config", "/api/session", "/metrics", "/",
	} {
		if status, b := c.api("GET", path, ""); status != http.StatusOK || len(b) == 0 {
			c.t.Errorf("GET %s: %d %.200s", path, status, b)
		}
	}
	for _, name := range []string{"canary-primary", "canary-query"} {
		_, _ = c.api("POST", "/api/channels/"+name+"/check", "")
		_, _ = c.api("POST", "/api/channels/"+name+"/switch", "{}")
	}
	if status, b := c.api("POST", "/api/explain", `{"method":"POST","path":"/v1/chat/completions","model":"gpt-x"}`); status != http.StatusOK {
		c.t.Errorf("explain: %d %s", status, b)
	}
	_, _ = c.api("PUT", "/api/config", `{"text":"channel \"a\" {"}`, "If-Match", "*")
	_, _ = c.api("GET", "/api/nothing", "")
	events := c.stream()
	c.search("the event stream", events)
	for _, kind := range []string{"request", "key", "health", "reload", "tunnel", "channel_toggle"} {
		if !bytes.Contains(events, []byte(`"type":"`+kind+`"`)) {
			c.t.Errorf("the event stream has no %s", kind)
		}
	}
}

// plugins reads the environment, the command line and the memory of the
// processes.
func (c *secretSearch) plugins() {
	_, b := c.api("GET", "/api/status", "")
	var status admin.Status
	if err := json.Unmarshal(b, &status); err != nil {
		c.t.Fatal(err)
	}
	if len(status.Plugins.Processes) == 0 {
		c.t.Fatal("there is no process to read")
	}
	for _, p := range status.Plugins.Processes {
		for _, what := range []string{"environ", "cmdline"} {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.PID, what))
			if err != nil {
				c.t.Fatal(err)
			}
			c.search("the plugin's "+what, b)
		}
		seen := false
		c.memory(p.PID, func(part []byte) {
			seen = seen || bytes.Contains(part, []byte("canary-primary"))
			c.search("the plugin's memory", part)
		})
		if !seen {
			c.t.Error("what the plugin was sent was not found in its memory")
		}
	}
	found := map[string]bool{}
	c.memory(os.Getpid(), func(part []byte) {
		for _, place := range leaked(part) {
			found[place] = true
		}
	})
	if len(found) != len(planted) {
		c.t.Errorf("in this process, which has them all, only %d of %d secrets were found", len(found), len(planted))
	}
}

// memory passes the writable parts of a process's memory to read.
func (c *secretSearch) memory(pid int, read func([]byte)) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		c.t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		c.t.Skipf("the memory of another process cannot be read here: %v", err)
	}
	defer func() { _ = mem.Close() }()
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); err != nil || !strings.HasPrefix(mode, "rw") || to-from > 1<<30 {
			continue
		}
		const step, overlap = 4 << 20, 64
		part := make([]byte, step+overlap)
		for at := from; at < to; at += step {
			n, _ := mem.ReadAt(part[:min(int64(len(part)), to-at)], at) // missing pages are zero
			read(part[:n])
		}
	}
}

// files reads the files in the state directory.
func (c *secretSearch) files() {
	n := 0
	err := filepath.WalkDir(filepath.Join(c.dir, "state"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		n++
		c.search("the file "+d.Name(), b)
		return err
	})
	if err != nil || n == 0 {
		c.t.Errorf("%d files of the state: %v", n, err)
	}
}
