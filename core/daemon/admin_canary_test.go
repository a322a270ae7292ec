package daemon_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fakesite"
)

// canary is in every secret of the configuration below.
const canary = "canary-5f3a9b"

const secretive = `
# once: keys = ["` + canary + `-commented-out-1"], token ` + canary + `-in-plain-words-2
variable "held" {
  default   = "` + canary + `-variable-3"
  sensitive = true
}
locals {
  aside = "` + canary + `-local-4"
}
proxy {
  listen        = "127.0.0.1:0"
  client_tokens = ["` + canary + `-client-token-5"]
}
client "laptop" {
  token = "` + canary + `-laptop-17"
}
notify "phone" {
  url = "generic+http://` + canary + `-user-18:` + canary + `-password-18@127.0.0.1:1/` + canary + `-notify-18?key=` + canary + `-query-18"
}
admin {
  listen = "127.0.0.1:0"
  token  = "` + canary + `-admin-token-6"
}
tunnel "vps" {
  host     = "127.0.0.1:1"
  user     = "nobody"
  password = "` + canary + `-password-7"
  host_key = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
  forward "127.0.0.1:9000" {}
}
channel "home" {
  target = %q
  keys   = ["` + canary + `-key-8", var.held, local.aside, env("CANARY_ENV"), file("canary.txt")]
  key "team" {
    value = "` + canary + `-team-9"
  }
  health_check "http" { path = "/v1/models" }
}
`

// TestNoAPIAnswerContainsASecret calls every endpoint with valid and invalid requests and
// secrets everywhere, and searches all answers. Each answer is also compared with the
// OpenAPI document.
func TestNoAPIAnswerContainsASecret(t *testing.T) {
	t.Setenv("CANARY_ENV", canary+"-environment-10")
	home := site(t, "home")
	r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}}
	if err := os.WriteFile(filepath.Join(r.dir, "canary.txt"), []byte(canary+"-file-11\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.save(fmt.Sprintf(secretive, home.URL()))
	r.run()
	all := &lockedBuffer{}
	token := []string{"Authorization", "Bearer " + canary + "-admin-token-6"}
	call := func(method, path, body string, header ...string) {
		t.Helper()
		status, h, b := r.ask(method, path, body, append(header, token...)...)
		_, _ = fmt.Fprintf(all, "%s %s %s: %d %v %s\n", method, strings.ReplaceAll(path, canary, "CANARY"), strings.ReplaceAll(body, canary, "CANARY"), status, h, b)
	}
	home.ForKey(canary+"-key-8", fakesite.Status(http.StatusUnauthorized, `{"error":{"message":"wrong key `+canary+`-key-8"}}`))
	for _, path := range []string{chat, "/v1/messages", "/v1beta/models/g:generateContent?key=" + canary + "-client-token-5", "/none?key=" + canary} {
		r.post(path, `{"model":"m"}`, "Authorization", "Bearer "+canary+"-client-token-5")
		r.post(path, `{"model":"m"}`, "Authorization", "Bearer "+canary+"-stranger")
	}
	added := canary + "-added-12"
	var shown admin.ConfigText
	_, _, b := r.ask("GET", "/api/config", "", token...)
	if err := json.Unmarshal(b, &shown); err != nil {
		t.Fatal(err)
	}
	draft := func(text string) string {
		b, _ := json.Marshal(admin.Draft{Text: text})
		return string(b)
	}
	for _, c := range [][3]string{
		{"POST", "/api/channels/home/keys", `{"key":"` + added + `","label":"added"}`},
		{"POST", "/api/channels/home/keys", `{"key":"` + added + `","label":"added"}`},
		{"POST", "/api/channels/home/keys", `{"key":"` + added + `x","label":"passing","ephemeral":true}`},
		{"POST", "/api/channels/home/keys", `{"key":"` + added + `\n"}`},
		{"POST", "/api/channels/home/keys", `{"key":{"` + added + `":1}}`},
		{"POST", "/api/channels/home/keys", `{"` + added + `"`},
		{"POST", "/api/channels", `{"name":"other","target":"https://x.example/?key=` + canary + `","keys":["` + added + `y"]}`},
		{"POST", "/api/channels", `{"name":"other","target":"https://user:` + canary + `@x.example","keys":["` + added + `y"]}`},
		{"POST", "/api/channels", `{"name":"other","target":"https://x.example","auth":"none","keys":["` + added + `y"]}`},
		{"POST", "/api/channels", `{"name":"other","target":"https://x.example","keys":[{"key":"` + added + `z","label":"z"}]}`},
		{"PUT", "/api/channels/other", `{"keys":["` + added + `a","` + added + `a"]}`},
		{"PUT", "/api/config", draft(shown.Text + "\nchannel \"c\" {\n keys = [\"" + canary + "-edited-13\"\n")},
		{"PUT", "/api/config", draft(strings.Replace(shown.Text, "keys ", "kees ", 1))},
		{"PUT", "/api/config", draft(shown.Text + "\n# \"" + canary + "-edited-14\"\nchannel \"c\" {\n target = \"nonsense\"\n keys = \"" + canary + "-15\"\n}\n")},
		{"POST", "/api/config/plan", draft(strings.Replace(shown.Text, "host_key", "password", 1))},
		{"POST", "/api/config/plan", draft("admin { token = [\"" + canary + "-16\"] }")},
		{"POST", "/api/config/plan", ""},
		{"POST", "/api/config/reload", ""},
		{"POST", "/api/channels/home/toggle", ""},
		{"POST", "/api/channels/home/toggle", ""},
		{"POST", "/api/channels/home/switch", ""},
		{"POST", "/api/channels/home/check", ""},
		{"POST", "/api/channels/other/check", ""},
		{"POST", "/api/plugins/built-in/restart", ""},
		{"POST", "/api/explain", `{"path":"/v1/x","model":"m","headers":{"Authorization":"Bearer ` + canary + `"}}`},
		{"POST", "/api/explain", `{"path":"` + canary + `"}`},
		{"POST", "/api/session", `{"token":"` + canary + `-admin-token-6"}`},
		{"POST", "/api/session", `{"code":"` + canary + `"}`},
		{"DELETE", "/api/channels/home/keys/" + added, ""},
		{"DELETE", "/api/channels/home/keys/added", ""},
		{"DELETE", "/api/channels/home/keys/3", ""},
		{"DELETE", "/api/channels/home/keys/passing", ""},
		{"DELETE", "/api/channels/other", ""},
		{"DELETE", "/api/session", ""},
		{"POST", "/api/clients", `{"name":"tablet"}`},
		{"DELETE", "/api/clients/laptop", ""},
		{"POST", "/api/notifications/phone/test", ""},
		{"GET", "/api/status?token=" + canary, ""},
		{"GET", "/api/logs/recent?n=" + canary, ""},
		{"GET", "/api/logs/recent?n=1000", ""},
	} {
		r.time.jump(time.Minute) // wrong tokens and codes delay later ones
		call(c[0], c[1], c[2], "If-Match", "*")
	}
	var document struct{ Paths map[string]map[string]any }
	_, _, b = r.ask("GET", "/api/openapi.json", "", token...)
	if err := json.Unmarshal(b, &document); err != nil || len(document.Paths) < 10 {
		t.Fatalf("%d paths: %v", len(document.Paths), err)
	}
	for path, methods := range document.Paths {
		if methods["get"] != nil && path != "/api/logs" {
			call("GET", path, "")
		}
	}
	_, _ = all.Write([]byte(r.stream()))
	_, _ = all.Write([]byte(r.log.String()))
	for _, b := range []string{"state/state.json", "state/stats.json"} {
		r.stop()
		saved, err := os.ReadFile(filepath.Join(r.dir, b))
		if err != nil {
			t.Error(err)
		}
		_, _ = all.Write(saved)
	}
	for line := range strings.Lines(all.String()) {
		if i := strings.Index(line, canary); i >= 0 {
			t.Errorf("a secret is shown: %s", strings.ReplaceAll(line[max(0, i-200):min(len(line), i+60)], canary, "CANARY"))
		}
	}
	if !strings.Contains(all.String(), `"path":"/api/channels/home/keys"`) && len(all.String()) < 50_000 {
		t.Errorf("only %d bytes were read", len(all.String()))
	}
	text := r.text()
	for _, kept := range []string{"-commented-out-1", "-variable-3", "-client-token-5", "-password-7", "-key-8", "-team-9"} {
		if !strings.Contains(text, canary+kept) {
			t.Errorf("%s is missing in the configuration:\n%s", kept, text)
		}
	}
}

// stream returns what a new reader of the event stream gets at once.
func (r *running) stream() string {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.AdminAddr()+"/api/logs?since=0", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+canary+"-admin-token-6")
	resp, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var out strings.Builder
	buffer := make([]byte, 64<<10)
	for !strings.Contains(out.String(), `"type":"reload"`) || !strings.Contains(out.String(), `"type":"request"`) {
		n, err := resp.Body.Read(buffer)
		if err != nil {
			r.t.Fatal(err)
		}
		out.Write(buffer[:n])
	}
	return out.String()
}
