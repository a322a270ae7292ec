package daemon_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/event"
)

// field finds "a.0.b" in decoded JSON.
func field(v any, path string) (any, bool) {
	for name := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = in[name]; !ok {
				return nil, false
			}
		case []any:
			if name != "0" || len(in) == 0 {
				return nil, false
			}
			v = in[0]
		default:
			return nil, false
		}
	}
	return v, true
}

// TestScriptsOfTheEarlierProgramWork does what its scripts do: it uses the nine documented
// endpoints and those of the configuration, with their field names, and sends no If-Match
// and no token.
func TestScriptsOfTheEarlierProgramWork(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, ""))
	r.post(chat, `{"model":"m"}`)
	// The stream comes first, to have what follows.
	logs := r.adminOpen("/api/logs")
	defer func() { _ = logs.Body.Close() }()

	config := ""
	for _, c := range []struct {
		method, path, body string
		fields             string // names, with the types that have not changed
	}{
		{"GET", "/api/status", "", "status:string uptime:number channels.healthy:number channels.total:number version:string"},
		{"GET", "/api/channels", "", "0.name:string 0.target:string 0.weight:number 0.fallback:bool 0.enabled:bool 0.health:string 0.latency:number 0.keyStrategy:string " +
			"0.keys.alive:number 0.keys.total:number 0.stats.totalRequests:number 0.stats.successCount:number 0.stats.failCount:number 0.stats.lastRequestAt:string 0.stats.lastError"},
		{"GET", "/api/stats", "", "totalRequests:number totalSuccess:number totalFail:number channels.primary.requests:number channels.primary.success:number channels.primary.fail:number channels.primary.successRate"},
		{"GET", "/api/logs/recent", "", "0.time:string 0.level:string"},
		{"POST", "/api/channels/backup/toggle", "", "name:string enabled:bool target:string keys.alive:number stats.totalRequests:number"},
		{"POST", "/api/channels/backup/keys", `{"key":"key-backup-2"}`, "name:string keys.total:number keys.alive:number"},
		{"DELETE", "/api/channels/backup/keys/1", "", "name:string keys.total:number"},
		{"POST", "/api/config/reload", "", "ok:bool"},
		{"GET", "/api/config", "", "path:string content:string"},
		{"PUT", "/api/config", "", "ok:bool"}, // with the content that was read
		{"POST", "/api/channels", `{"name":"third","target":"https://third.example","keys":["key-third-1"],"weight":3,"fallback":true}`, "ok:bool channel:string"},
		{"PUT", "/api/channels/third", `{"weight":4}`, "ok:bool channel:string"},
		{"DELETE", "/api/channels/third", "", "ok:bool deleted:string"},
	} {
		body := c.body
		if c.method == "PUT" && body == "" {
			b, _ := json.Marshal(map[string]string{"content": config + "# by a script\n"})
			body = string(b)
		}
		status, h, b := r.ask(c.method, c.path, body)
		var got any
		if err := json.Unmarshal(b, &got); err != nil || status >= 300 || h.Get("Content-Type") != "application/json" {
			t.Fatalf("%s %s: %d %s", c.method, c.path, status, b)
		}
		for name := range strings.FieldsSeq(c.fields) {
			name, kind, _ := strings.Cut(name, ":")
			v, ok := field(got, name)
			if k := map[string]string{"string": "string", "float64": "number", "bool": "bool"}[fmt.Sprintf("%T", v)]; !ok || kind != "" && k != kind {
				t.Errorf("%s %s: %s is %v, %T", c.method, c.path, name, v, v)
			}
		}
		if v, ok := field(got, "content"); ok {
			config = v.(string)
		}
	}
	if !strings.Contains(r.text(), "# by a script") || !strings.Contains(r.text(), "key-primary-1") {
		t.Errorf("%s", r.text())
	}
	if status, _, b := r.ask("POST", "/api/channels/none/toggle", ""); status != http.StatusNotFound || !strings.Contains(string(b), `"error"`) {
		t.Errorf("%d %s", status, b)
	}
	readAsBefore(t, logs)
}

// readAsBefore reads the stream as a script does that does not know event IDs: lines of
// data, each with an object and its type.
func readAsBefore(t *testing.T, logs *http.Response) {
	t.Helper()
	if got := logs.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("%s", got)
	}
	known := regexp.MustCompile(`^(id: \d+|data: \{.*\}|: .*|)$`)
	seen := map[string]bool{}
	lines := bufio.NewScanner(logs.Body)
	lines.Buffer(nil, 1<<20)
	all := func() bool { return seen["request"] && seen["channel_toggle"] && seen["reload"] }
	for !all() && lines.Scan() {
		line := lines.Text()
		if !known.MatchString(line) {
			t.Errorf("a line that an EventSource of the earlier panel does not expect: %q", line)
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var e map[string]any
		if err := json.Unmarshal([]byte(data), &e); err != nil || e["type"] == nil || e["time"] == nil {
			t.Fatalf("%q: %v", line, err)
		}
		if e["type"] == string(event.TypeChannelToggle) && (e["channel"] != "backup" || e["enabled"] != false) {
			t.Errorf("%q", line)
		}
		seen[e["type"].(string)] = true
	}
	if err := lines.Err(); err != nil {
		t.Error(err)
	}
}
