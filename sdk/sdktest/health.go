package sdktest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
)

// checkerChecks are those of health checkers.
var checkerChecks = []check{
	{"documentation", (*kit).documented},
	{"wrong_settings", (*kit).wrongSettings},
	{"odd_settings", (*kit).oddSettings},
	{"unknown_fields", (*kit).unknownFields},
	{"broken_sites", (*kit).brokenSites},
	{"errors_about_the_key", (*kit).keyFaults},
	{"single_keys", (*kit).singleKeys},
	{"odd_answers", (*kit).oddAnswers},
	{"0_1_and_1000_models", (*kit).models},
	{"64_callers", (*kit).checkers},
	{"deadline_and_cancel", (*kit).hangingSites},
	{"close", (*kit).closes},
	{"host_death", (*kit).hostDeath},
	{"secrets", (*kit).secrets},
}

var checkRequest = sdk.CheckRequest{Channel: "site", Models: []string{"gpt-4o"}, Keys: []sdk.CheckKey{{ID: "key-1", Label: "one"}, {ID: "key-2"}}}

// check runs a check on a site.
func (k *kit) check(c *host.Component, s *site, req sdk.CheckRequest) (sdk.CheckResult, error) {
	ctx, cancel := patient()
	defer cancel()
	s.ids = keyIDs(req)
	res, err := c.Check(ctx, req, s)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return res, fmt.Errorf("%w: Check did not return within %s: return when the context ends", errUnsound, patience)
	case errors.Is(err, sdk.ErrPanic):
		return res, fmt.Errorf("%w: Check panics: %w", errUnsound, err)
	}
	if faults := s.faults(); len(faults) > 0 {
		return res, fmt.Errorf("%w: %s", errUnsound, strings.Join(faults, "; "))
	}
	if err == nil && !res.Healthy && strings.TrimSpace(res.Reason) == "" {
		return res, fmt.Errorf("%w: it finds the channel unhealthy without a Reason: say in CheckResult.Reason what is wrong, users read it", errUnsound)
	}
	if res.Latency < 0 {
		return res, fmt.Errorf("%w: its Latency is %s: it must not be negative", errUnsound, res.Latency)
	}
	if err := keyResults(res, s.ids); err != nil {
		return res, fmt.Errorf("%w: %w", errUnsound, err)
	}
	return res, err
}

// errUnsound is the error of a check that no checker may make, on any site.
var errUnsound = errors.New("the check is not sound")

// healthy checks that a working site is reported as healthy.
func (k *kit) healthy(r *rig, c *host.Component) {
	r.t.Helper()
	s := newSite(k.site)
	res, err := k.check(c, s, checkRequest)
	switch {
	case err != nil:
		r.t.Errorf("on a working site, the check fails: %v (a site of another kind: give the kit one by sdktest.Site)", err)
	case !res.Healthy:
		r.t.Errorf("a working site is found unhealthy: %s (a site of another kind: give the kit one by sdktest.Site)", res.Reason)
	case s.probed() == 0:
		r.t.Error("it finds the channel healthy without a probe: ask the site by host.Probe")
	}
}

// harmless checks that a check, with any settings, is valid.
func (k *kit) harmless(r *rig, c *host.Component, s Settings) {
	r.t.Helper()
	if _, err := k.check(c, newSite(k.site), checkRequest); errors.Is(err, errUnsound) {
		r.t.Errorf("the settings %v are accepted, but: %v; settings that cannot work are to be refused in Configure, by a *sdk.ConfigError", s, err)
	}
}

// brokenSites checks that broken sites are not reported as healthy.
func (k *kit) brokenSites(t *testing.T) {
	r := k.serve(t)
	c := r.open(nil)
	broken := map[string]*site{"a connection that is refused": {err: errors.New("connection refused")}}
	for _, status := range []int{500, 502, 503, 529} {
		broken[fmt.Sprint("status ", status)] = newSite(answer(status, "application/json", `{"error":{"message":"no"}}`))
	}
	for name, s := range broken {
		res, err := k.check(c, s, checkRequest)
		switch {
		case errors.Is(err, errUnsound):
			t.Errorf("%s: %v", name, err)
		case err == nil && res.Healthy:
			t.Errorf("%s: the channel is found healthy: return Healthy: false and a Reason", name)
		}
	}
	// The host could not make the probe, which says nothing about the channel.
	if res, err := k.check(c, &site{err: sdk.ErrUnavailable}, checkRequest); err == nil && res.Healthy {
		t.Error("a probe that the host could not make: the channel is found healthy: return the error of Probe if it is sdk.ErrUnavailable")
	}
	k.healthy(r, c) // failures do not affect later checks
}

// keyFaults checks answers about the key of the probe: the channel, which has other keys,
// must stay in service.
func (k *kit) keyFaults(t *testing.T) {
	r := k.serve(t)
	c := r.open(nil)
	for _, status := range []int{401, 402, 429} {
		res, err := k.check(c, newSite(answer(status, "application/json", `{"error":{"message":"key"}}`)), checkRequest)
		switch {
		case errors.Is(err, errUnsound):
			t.Errorf("status %d: %v", status, err)
		case err == nil && !res.Healthy:
			t.Errorf("status %d finds the channel unhealthy (%s), but it is about the key: return an error, which leaves the channel's health as it is", status, res.Reason)
		}
	}
}

// oddAnswers checks that unusual answers are harmless.
func (k *kit) oddAnswers(t *testing.T) {
	r := k.serve(t)
	c := r.open(nil)
	for _, body := range []string{"", "null", "[]", `{"choices":null}`, `{"choices":[null],"content":[null],"data":[7]}`, "\x00\xff", "<html>", strings.Repeat("[", 60<<10)} {
		for _, status := range []int{200, 204, 302, 404} {
			if _, err := k.check(c, newSite(answer(status, "", body)), checkRequest); errors.Is(err, errUnsound) {
				t.Errorf("status %d with %.40q: %v", status, body, err)
			}
		}
	}
}

// models checks channels with no, one and many models.
func (k *kit) models(t *testing.T) {
	r := k.serve(t)
	c := r.open(nil)
	for _, n := range []int{0, 1, 1000} {
		req := sdk.CheckRequest{Channel: "site"}
		for i := range n {
			req.Models = append(req.Models, fmt.Sprintf("model-%d-*", i), fmt.Sprint("model-", i))
		}
		if _, err := k.check(c, newSite(k.site), req); errors.Is(err, errUnsound) {
			t.Errorf("with %d models: %v", n, err)
		}
	}
}

// checkers checks many sites at once, every second of which is broken.
func (k *kit) checkers(t *testing.T) {
	r := k.serve(t)
	c := r.open(nil)
	var wg sync.WaitGroup
	for caller := range 64 {
		broken := caller%2 == 1
		handler := k.site
		if broken {
			handler = answer(503, "application/json", "{}")
		}
		wg.Go(func() {
			for range 5 {
				req := checkRequest
				req.Channel = fmt.Sprint("site-", caller)
				res, err := k.check(c, newSite(handler), req)
				switch {
				case errors.Is(err, errUnsound), err != nil && !broken:
					t.Errorf("64 callers at once: %v", err)
					return
				case err == nil && res.Healthy == broken:
					t.Errorf("64 callers at once: a site that is broken (%v) is found healthy (%v): are results mixed up?", broken, res.Healthy)
					return
				}
			}
		})
	}
	wg.Wait()
}

// hangingSites checks sites that never answer.
func (k *kit) hangingSites(t *testing.T) {
	r := k.serve(t)
	c := r.open(nil)
	for _, giveUp := range []func() (context.Context, context.CancelFunc){
		func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), 50*time.Millisecond)
		},
		func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(50*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		ctx, cancel := giveUp()
		res, err := c.Check(ctx, checkRequest, &site{hang: true})
		cancel()
		if err == nil && res.Healthy {
			t.Error("a site that does not answer is found healthy: return the error of the context, or Healthy: false and a Reason")
		}
	}
	k.healthy(r, c)
	r.close(c) // waits for the checks
}

// gone is a host that cannot make probes.
type gone struct{}

func (gone) Probe(context.Context, sdk.ProbeRequest) (sdk.ProbeResult, error) {
	return sdk.ProbeResult{}, sdk.ErrUnavailable
}

func answer(status int, contentType, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}
