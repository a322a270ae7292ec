package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/daemon/control"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/fakesite"
)

// stage is a running aitunnel with two channels for each case. Each case has its own model,
// which only its channels serve, so that the cases do not affect each other.
type stage struct {
	t               *testing.T
	url, state      string
	primary, backup *fakesite.Site
}

func firstKey(model string) string { return "sk-first-" + model }
func otherKey(model string) string { return "sk-other-" + model }

func startStage(t *testing.T, models []string) *stage {
	t.Helper()
	s := &stage{t: t, primary: fakesite.New("primary"), backup: fakesite.New("backup")}
	for _, site := range []*fakesite.Site{s.primary, s.backup} {
		if err := site.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(site.Close)
	}
	var text strings.Builder
	fmt.Fprintf(&text, `
proxy {
  listen        = "127.0.0.1:0"
  client_tokens = [%q]
}
admin { listen = "" }
retry { base_delay = "20ms" }
log { level = "error" }
`, token)
	for i, model := range models {
		firstByte := "30s"
		if strings.HasSuffix(model, "silent") {
			firstByte = "1500ms"
		}
		fmt.Fprintf(&text, "channel \"first-%d\" {\n target = %q\n models = [%q]\n keys = [%q]\n timeouts { first_byte = %q }\n}\n", i, s.primary.URL(), model, firstKey(model), firstByte)
		fmt.Fprintf(&text, "channel \"other-%d\" {\n target = %q\n models = [%q]\n keys = [%q]\n fallback = true\n}\n", i, s.backup.URL(), model, otherKey(model))
	}
	// A socket's path has to be short, unlike that of t.TempDir.
	state, err := os.MkdirTemp("", "clients")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(state) })
	s.state = state
	s.url = "http://" + run(t, text.String(), state).ProxyAddr()
	return s
}

// requestsOf returns the requests that the sites got for the model.
func (s *stage) requestsOf(model string) (first, other []fakesite.Request) {
	for _, r := range s.primary.Requests() {
		if r.Credential == firstKey(model) {
			first = append(first, r)
		}
	}
	for _, r := range s.backup.Requests() {
		if r.Credential == otherKey(model) {
			other = append(other, r)
		}
	}
	return first, other
}

// sites returns how many each site got.
func (s *stage) sites(model string) (first, other int) {
	a, b := s.requestsOf(model)
	return len(a), len(b)
}

// records returns the records of the requests for the model.
func (s *stage) records(t *testing.T, model string) (out []*event.Request) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", control.Path(s.state))
	}}}
	resp, err := client.Get("http://aitunnel/api/logs/recent?n=1000&types=request")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var all []event.Event
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Type == event.TypeRequest && e.Request.Model == model {
			out = append(out, e.Request)
		}
	}
	return out
}

// attempts lists what was tried for the records, for a failure's message.
func attempts(records []*event.Request) string {
	var out strings.Builder
	for _, r := range records {
		fmt.Fprintf(&out, "\n  %s %s: %d %s", r.Method, r.Path, r.Status, r.Error)
		for _, a := range r.Attempts {
			fmt.Fprintf(&out, "\n    %s: %d %s %s", a.Channel, a.Status, a.Means, a.Error)
		}
	}
	return out.String()
}
