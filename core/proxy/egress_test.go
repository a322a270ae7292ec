package proxy

import (
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/upstream"
	"github.com/aitunnel/aitunnel/core/upstream/proxytest"
	"github.com/aitunnel/aitunnel/sdk"
)

var (
	direct     = &config.Egress{Name: config.EgressDirect}
	refuses    = reply(403, "error code: 1010", "Content-Type: text/plain")
	refusesKey = reply(401, `{"error":{"code":"invalid_api_key","message":"Incorrect API key provided"}}`)
)

func proxyEgress(name string, p *proxytest.Server, scheme string) *config.Egress {
	return &config.Egress{Name: name, Proxy: config.NewSecret(p.URL(scheme, "").String())}
}

func withEgress(all ...*config.Egress) func(*config.Config) {
	return func(c *config.Config) { c.Channels[0].Egress = all }
}

// egresses returns the egresses of the only request's attempts, each with its verdict.
func (r *rig) egresses() string { return r.egressesOf(1) }

// egressesOf returns the egresses of the n-th request, from 1.
func (r *rig) egressesOf(number int) string {
	r.t.Helper()
	var out []string
	for _, a := range r.record(number - 1).Attempts {
		out = append(out, a.Channel+" by "+a.Egress+": "+string(a.Verdict))
	}
	return strings.Join(out, ", ")
}

// A request that a site blocks is sent again through the next egress with the same key;
// further requests use that egress. The proxies are programs that people use.
func TestBlockedThroughOneEgress(t *testing.T) {
	for scheme, program := range map[string]string{"http": "tinyproxy", "socks5": "microsocks", "socks5h": "microsocks"} {
		s := newTestSite(t, refuses, good)
		p := proxytest.Start(t, program)
		clash := &config.Egress{Name: "clash", Proxy: config.NewSecret(p.URL(scheme, "me:secret@").String())}
		r := newRig(t, withEgress(direct, clash), s)
		for i := range 2 {
			if got := r.post(chatPath, chatBody); got.status != 200 || got.body != chatAnswer {
				t.Fatalf("%s: %d %s", scheme, got.status, got.body)
			}
			want := []string{"a by direct: channel, a by clash: ok", "a by clash: ok"}[i]
			if got := r.egressesOf(i + 1); got != want {
				t.Errorf("%s: %s, want %s", scheme, got, want)
			}
		}
		if got := s.keys(); len(got) != 3 || got[0] != got[1] {
			t.Errorf("%s: the keys were %q", scheme, got)
		}
		if !strings.Contains(p.Log(), s.address) {
			t.Errorf("%s: the proxy did not log %s", scheme, s.address)
		}
		r.wantReady("a")
		if v := r.registry.Channel("a", "http://"+s.address).View(r.registry.Now()); v.Skip != "" {
			t.Errorf("%s: the channel is %q", scheme, v.Skip)
		}
	}
}

// A site that blocks every egress is blocked.
func TestBlockedThroughAllEgresses(t *testing.T) {
	a, b := newTestSite(t, refuses), newTestSite(t, good)
	r := newRig(t, withEgress(direct, proxyEgress("clash", proxytest.New(t), "socks5")), a, b)
	if got := r.post(chatPath, chatBody); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := r.egresses(); got != "a by direct: channel, a by clash: channel, b by : ok" {
		t.Error(got)
	}
}

// A failure of the key does not change the egress.
func TestOtherFailuresKeepTheEgress(t *testing.T) {
	s := newTestSite(t, refusesKey, good)
	p := proxytest.New(t)
	r := newRig(t, withEgress(direct, proxyEgress("clash", p, "socks5")), s)
	if got := r.post(chatPath, chatBody); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := r.egresses(); got != "a by direct: key, a by direct: ok" || len(p.Lines()) > 0 {
		t.Errorf("%s, %q", got, p.Lines())
	}
}

// A dead proxy is a failure of the egress. The channel has not failed, but is skipped
// for a moment.
func TestDeadProxy(t *testing.T) {
	dead := proxytest.New(t)
	_ = dead.Close()
	a, b := newTestSite(t, good), newTestSite(t, good)
	r := newRig(t, withEgress(proxyEgress("clash", dead, "socks5h")), a, b)
	for range 2 {
		if got := r.post(chatPath, chatBody); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	state := r.registry.Channel("a", "http://"+a.address)
	if state.FailedRecently(r.registry.Now(), 1<<40) {
		t.Error("the channel counts as failed")
	}
	if skip := state.Skip(r.registry.Now()); skip != "no_egress" {
		t.Errorf("the channel is %q", skip)
	}
	for _, e := range r.bus.Recent(1000) {
		if e.Type == event.TypeRequest {
			if got := e.Request.Attempts; len(got) != 2 || got[0].Verdict != event.VerdictEgress || !strings.Contains(got[0].Error, "the proxy cannot be reached: connection refused (egress clash)") {
				t.Errorf("%+v", got)
			}
			break
		}
	}
}

func TestDeadProxyBeforeAnotherEgress(t *testing.T) {
	dead := proxytest.New(t)
	_ = dead.Close()
	s := newTestSite(t, good)
	r := newRig(t, withEgress(proxyEgress("clash", dead, "http"), direct), s)
	if got := r.post(chatPath, chatBody); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := r.egresses(); got != "a by clash: egress, a by direct: ok" {
		t.Error(got)
	}
	left := r.registry.Channel("a", "http://"+s.address).Egresses(r.registry.Now())
	if len(left) != 1 || left[0].Name != "clash" || left[0].Reason != "the proxy cannot be reached: connection refused" {
		t.Errorf("not in the record: %+v", left)
	}
}

// A site that is down through all egresses has failed, even if a proxy failed too.
func TestSiteThatIsDown(t *testing.T) {
	dead := proxytest.New(t)
	_ = dead.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	s := newTestSite(t, good)
	r := newRig(t, func(c *config.Config) {
		c.Channels[0].Egress = []*config.Egress{direct, proxyEgress("clash", dead, "http")}
		c.Channels[0].Target.Host = l.Addr().String()
		c.Retry.MaxRetries = 0
	}, s)
	if got := r.post(chatPath, chatBody); got.status != 502 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if !r.registry.Channel("a", "http://"+l.Addr().String()).FailedRecently(r.registry.Now(), 1<<40) {
		t.Error("the channel does not count as failed")
	}
}

// A health check uses the egress that requests use, and brings back one that works
// again.
func TestProbesBringBackAnEgress(t *testing.T) {
	s := newTestSite(t, refuses, good)
	p := proxytest.New(t)
	r := newRig(t, withEgress(direct, proxyEgress("clash", p, "socks5")), s)
	if got := r.post(chatPath, chatBody); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	ch := r.handler.current.Load().table.Channels[0]
	if until := ch.State.EgressUntil(r.registry.Now(), "direct"); until.IsZero() {
		t.Fatal("the direct egress is not cooling down")
	}
	out, err := r.handler.Prober(ch).Probe(t.Context(), sdk.ProbeRequest{Path: "/v1/models"})
	if err != nil || out.Status != 200 {
		t.Fatalf("%+v, %v", out, err)
	}
	if until := ch.State.EgressUntil(r.registry.Now(), "direct"); !until.IsZero() {
		t.Error("the direct egress is still cooling down")
	}
	if n := len(p.Lines()); n != 1 {
		t.Errorf("%d connections by the proxy: %q", n, p.Lines())
	}
}

// shortage fails as a machine without free file descriptors does.
type shortage struct{}

func (shortage) Do(*http.Request, upstream.Call) (*http.Response, error) {
	return nil, &upstream.Error{Phase: upstream.Local, Err: syscall.EMFILE}
}

// A lack of file descriptors here does not count as a failure of the channel.
func TestTooManyOpenFiles(t *testing.T) {
	s := newTestSite(t, good)
	r := newRig(t, nil, s)
	set := r.handler.current.Load()
	for _, to := range set.sites {
		to.egresses = []egress{{transport: shortage{}}}
	}
	for range 8 {
		got := r.post(chatPath, chatBody)
		if got.status != 503 || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "ulimit -n") {
			t.Fatalf("%d %v %s", got.status, got.header, got.body)
		}
	}
	if skip := r.registry.Channel("a", "http://"+s.address).Skip(r.registry.Now()); skip != "" {
		t.Errorf("the channel is %q", skip)
	}
}
