package admin

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// program is a source with two channels that records the calls.
type program struct {
	started time.Time
	done    *[]string
}

func (p program) Status() Status {
	return Status{
		Status: "running", Version: "1.2.3", PID: 42, Uptime: time.Since(p.started).Seconds(), StartedAt: p.started,
		Generation: 3, Config: "aitunnel.hcl", Listen: "127.0.0.1:9000",
		Channels: ChannelSummary{Healthy: 1, Total: 2},
		Routes:   []Route{{Path: "/v1/**", Channels: []string{"home", "spare"}, Strategy: "priority", Plan: 7, PlannedAt: p.started, Reason: "the highest weight first"}},
		Plugins:  Plugins{Calls: 9, Processes: []Process{{Plugin: "built-in", Source: "built-in", State: "running", PID: 43, Components: []Component{{Kind: "strategy", Name: "priority"}}}}, Refused: []RefusedPlugin{}},
		Tunnels:  []Tunnel{}, Warnings: []string{}, Clients: p.Clients(),
	}
}

func (p program) Channels() []Channel {
	failure := "connection refused"
	return []Channel{
		{
			Name: "home", Target: "https://home.example/api", Weight: 10, Enabled: true, Health: "up", Latency: 12.5, Models: []string{}, Recent: []Point{}, KeyStrategy: "round-robin",
			Keys:  Keys{Alive: 1, Total: 1, List: []Key{{ID: "k1", Masked: "sk-…0001", Weight: 1, State: "ready"}}},
			Stats: Stats{TotalRequests: 5, SuccessCount: 4, FailCount: 1, LastRequestAt: &p.started, LastError: &failure},
		},
		{Name: "spare", Target: "https://spare.example", Fallback: true, Models: []string{}, Recent: []Point{}, Health: "down", Out: "health", OutSince: &p.started, Keys: Keys{List: []Key{}}},
	}
}

func (p program) Reload(_ context.Context, generation uint64) Reload {
	return Reload{OK: generation != 2, Stale: generation == 2, ReloadCause: ReloadCause{Cause: "requested"}, Generation: 3}.whole()
}

// site is the API on a real port.
type site struct {
	t    *testing.T
	url  string
	bus  *event.Bus
	api  *Handler
	time clock
	done []string // by the program

	answering atomic.Int64 // requests under way
}

// serve starts the API with the configuration c, and a bus that keeps so many events. Without a
// token, reading is open.
func serve(t *testing.T, c config.Admin, remembered int) *site {
	t.Helper()
	return serveBy(t, func(listening config.Admin) config.Admin {
		own := c
		own.Listen = listening.Listen
		return own
	}, remembered)
}

// serveBy is serve with a configuration that may change, and that gets the address of the port.
func serveBy(t *testing.T, configure func(config.Admin) config.Admin, remembered int) *site {
	t.Helper()
	bus := event.NewBus(remembered, nil)
	server := httptest.NewUnstartedServer(nil)
	addr := server.Listener.Addr().String()
	current := func() Access {
		c := configure(config.Admin{Listen: addr})
		return Access{Admin: c, OpenReading: c.Token.IsZero()}
	}
	s := &site{t: t, bus: bus}
	api := New(Options{Source: program{time.Now(), &s.done}, Bus: bus, Access: current, Addr: func() string { return addr }, Now: s.time.now})
	s.api = api
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.answering.Add(1)
		defer s.answering.Add(-1)
		api.ServeHTTP(w, r)
	})
	server.Start()
	s.url = server.URL
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	})
	return s
}

func (s *site) publish(messages ...string) {
	for _, m := range messages {
		s.bus.Publish(event.Event{Type: event.TypeLog, Level: "info", Message: m})
	}
}

// do sends a request; header names and values alternate.
func (s *site) do(method, path string, header ...string) (*http.Response, []byte) {
	s.t.Helper()
	resp := s.open(method, path, header...)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp, body
}

// answer sends a request and reads the answer.
func (s *site) answer(req *http.Request) (*http.Response, []byte) {
	s.t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return resp, body
}

// local sends a request to the handler of the control socket.
func (s *site) local(method, path string) *httptest.ResponseRecorder {
	out := httptest.NewRecorder()
	s.api.Local().ServeHTTP(out, httptest.NewRequest(method, path, nil))
	return out
}

// open sends a request and returns the unread answer.
func (s *site) open(method, path string, header ...string) *http.Response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	req.Host = req.Header.Get("Host")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp
}

// wantError checks that an answer is an error of the API, and returns its
// message.
func (s *site) wantError(resp *http.Response, body []byte, status int, code string) string {
	s.t.Helper()
	var e struct {
		Error *struct {
			Message, Code string
			Details       []string
		}
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Error == nil || e.Error.Details == nil || e.Error.Message == "" {
		s.t.Fatalf("not an error of the API: %d %s", resp.StatusCode, body)
	}
	if resp.StatusCode != status || e.Error.Code != code {
		s.t.Errorf("%d %s, want %d %s", resp.StatusCode, body, status, code)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		s.t.Errorf("an error of type %q", got)
	}
	return e.Error.Message
}
