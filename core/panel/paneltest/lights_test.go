package paneltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
	"github.com/aitunnel/aitunnel/core/panel"
)

// stub is an API whose answers a test sets.
type stub struct {
	mu       sync.Mutex
	channels []admin.Channel
	tunnels  []admin.Tunnel
	plugins  []admin.Process
	unsaved  []string
}

// serve answers the requests of the page until the test ends.
func (a *stub) serve(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	panel.Register(mux)
	answer := func(path string, value func() any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			a.mu.Lock()
			b, err := json.Marshal(value())
			a.mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(b)
		})
	}
	started := time.Now()
	answer("/api/session", func() any { return admin.Session{Authenticated: true, Reading: true} })
	answer("/api/channels", func() any { return a.channels })
	answer("/api/stats", func() any { return admin.Summary{Since: started} })
	answer("/api/logs/recent", func() any { return []event.Event{} })
	answer("/api/history", func() any { return history.Page{Records: []history.Record{}} })
	answer("/api/status", func() any {
		return admin.Status{
			Status: "running", Version: "0.1.0", StartedAt: started, Listen: "127.0.0.1:9000", Channels: admin.Summarize(a.channels), Tunnels: a.tunnels,
			Routes: []admin.Route{}, Plugins: admin.Plugins{Processes: append([]admin.Process{}, a.plugins...)}, Clients: []admin.Client{}, Warnings: []string{}, Unsaved: a.unsaved,
		}
	})
	mux.HandleFunc("GET /api/logs", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprint(w, ": here\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// set changes the answers, and makes the page request them.
func (a *stub) set(p *tab, channels []admin.Channel, tunnels ...admin.Tunnel) {
	p.t.Helper()
	a.mu.Lock()
	a.channels, a.tunnels = append([]admin.Channel{}, channels...), append([]admin.Tunnel{}, tunnels...)
	a.mu.Unlock()
	p.refresh()
}

// lights and words represent a state wherever it is shown.
var (
	lights = map[admin.State]string{admin.StateUnknown: "new", admin.StateReady: "good", admin.StateDegraded: "warn", admin.StateCoolingDown: "bad", admin.StateDown: "bad", admin.StatePaused: "off"}
	states = []admin.State{admin.StateUnknown, admin.StateReady, admin.StateDegraded, admin.StateCoolingDown, admin.StateDown, admin.StatePaused}
)

// facts returns all combinations of what can be true of a channel, each with its state in
// the API and in commands.
func facts() (all []admin.Channel) {
	keys := func(states ...string) (k admin.Keys) {
		for i, s := range states {
			if s == "ready" {
				k.Alive++
			}
			k.List = append(k.List, admin.Key{ID: fmt.Sprint("key-", i), Shown: fmt.Sprint("key-", i), State: s})
		}
		k.Total = len(states)
		if k.List == nil {
			k.List = []admin.Key{}
		}
		return k
	}
	recent := func(requests, failures uint64) []admin.Point {
		return []admin.Point{{Requests: requests, Failures: failures}}
	}
	at := time.Now()
	tried := admin.Stats{TotalRequests: 40, LastRequestAt: &at}
	for _, enabled := range []bool{true, false} {
		for _, out := range []string{"", "breaker_open", "breaker_probing", "check_failed", "full", "at_limit", "blocked", "no_egress"} {
			for _, k := range []admin.Keys{keys(), keys("ready"), keys("ready", "ready", "rate_limited"), keys("ready", "invalid_key", "rate_limited"), keys("rate_limited", "quota_spent"), keys("invalid_key", "invalid_key")} {
				for _, seen := range []struct {
					stats  admin.Stats
					recent []admin.Point
				}{{admin.Stats{}, nil}, {tried, recent(30, 0)}, {tried, recent(30, 9)}, {tried, recent(10, 3)}} {
					c := admin.Channel{Name: fmt.Sprintf("c%03d", len(all)), Target: "http://127.0.0.1:1", Weight: 1, Enabled: enabled, Out: out, Keys: k, Stats: seen.stats, Recent: seen.recent, Models: []string{}, ModelMap: map[string]string{}, Health: "unknown"}
					if c.Recent == nil {
						c.Recent = []admin.Point{}
					}
					all = append(all, c.Assessed())
				}
			}
		}
	}
	return all
}

// TestLightsAndWords gives the page every combination of facts. Cards and list show the
// state of the API and the word of the commands; the header sums them up.
func TestLightsAndWords(t *testing.T) {
	api := &stub{channels: []admin.Channel{}, tunnels: []admin.Tunnel{}}
	p := open(t, api.serve(t).URL, "/", 1440, 900)
	all := facts()
	for i, density := range []string{"cards", "list"} {
		api.set(p, nil)
		p.click(`document.querySelectorAll('.segments.icons button')[%s]`, i)
		api.set(p, all)
		p.until(`document.querySelectorAll('.channels.' + %s + ' .channel').length === %s`, density, len(all))
		type shown struct{ Name, State, Kind, Light, Word string }
		for i, got := range eval[[]shown](p, `[...document.querySelectorAll('.channel')].map((n) => ({ name: n.dataset.name, state: n.dataset.state, kind: n.dataset.kind, light: n.querySelector('.light').className, word: n.querySelector('.state').textContent }))`) {
			c := all[i]
			if want := (shown{c.Name, string(c.State), lights[c.State], "light " + lights[c.State], strings.ToUpper(c.State.Text()[:1]) + c.State.Text()[1:]}); got != want {
				t.Errorf("%s, %+v:\n shows %+v\n want  %+v", density, c, got, want)
			}
		}
		if found := eval[int](p, `Number([...document.querySelectorAll(".segments button")].map((b) => /^Attention\s*(\d+)$/.exec(b.innerText.trim())?.[1]).find(Boolean))`); found != count(all, "warn", "bad") {
			t.Errorf("%s: %d channels need attention, want %d", density, found, count(all, "warn", "bad"))
		}
	}
	for set := range 1 << len(states) { // one channel in each state of a set
		var channels []admin.Channel
		for i, s := range states {
			if set&(1<<i) != 0 {
				channels = append(channels, one(all, s, channels))
			}
		}
		api.set(p, channels)
		sum := admin.Summarize(channels)
		light, text := eval[string](p, `document.querySelector('#overall .light').className`), eval[string](p, `document.querySelector('#overall').innerText.trim()`)
		if light != "light "+lights[sum.State] {
			t.Errorf("%v: the header is %q, want %s", sum, light, lights[sum.State])
		}
		if active := sum.Total - sum.States[admin.StatePaused]; sum.Healthy > 0 && sum.Healthy < active && !strings.Contains(text, fmt.Sprintf("%d of %d channels are available", sum.Healthy, active)) ||
			active > 0 && sum.Healthy == 0 && !strings.Contains(text, "No channel is available") || sum.Total == 0 && text != "No channels yet" ||
			(sum.States[admin.StateDegraded] > 0 && sum.Healthy > 0) != strings.Contains(text, "degraded") {
			t.Errorf("%v: the header says %q", sum, text)
		}
	}
	for state, want := range map[string]string{"up": "good", "degraded": "warn", "connecting": "warn", "waiting": "warn", "failed": "bad"} {
		api.set(p, all[:1], admin.Tunnel{Name: "vps", State: state, Forwards: []admin.Forward{}, Notes: []string{}})
		if got := eval[string](p, `document.querySelector('#lights .light').className`); got != "light "+want {
			t.Errorf("a tunnel that is %s has the light %q, want %s", state, got, want)
		}
	}
}

func count(all []admin.Channel, kinds ...string) (n int) {
	for _, c := range all {
		for _, k := range kinds {
			if lights[c.State] == k {
				n++
			}
		}
	}
	return n
}

// one returns a channel in that state that is not among the others.
func one(all []admin.Channel, s admin.State, others []admin.Channel) admin.Channel {
	for _, c := range all {
		if c.State == s && (len(others) == 0 || others[len(others)-1].Name != c.Name) {
			return c
		}
	}
	panic("no combination of facts is " + string(s))
}
