package adminapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/connect"
	"github.com/aitunnel/aitunnel/core/health"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/sdk"
)

// channel finds a channel of the running configuration.
func (s *Source) channel(name string) (*route.Channel, error) {
	name = redact.KeyLike(name) // as in the configuration
	for _, ch := range s.table().Channels {
		if ch.Config.Name == name {
			return ch, nil
		}
	}
	return nil, admin.NotFound(fmt.Sprintf("there is no channel %q", name))
}

// Toggle is for [admin.Source].
func (s *Source) Toggle(name string, enabled *bool) (bool, error) {
	ch, err := s.channel(name)
	if err != nil {
		return false, err
	}
	on := ch.State.Paused()
	if enabled != nil {
		on = *enabled
	}
	if on {
		ch.State.Resume()
	} else {
		ch.State.SetPaused(true)
	}
	return on, nil
}

// Prefer is for [admin.Source]. Only one channel of a route can be tried first, so
// this ends the preference of others that share a route.
func (s *Source) Prefer(name string, on bool) error {
	ch, err := s.channel(name)
	if err != nil {
		return err
	}
	if on {
		for _, r := range s.table().Routes {
			if !r.Includes(ch) {
				continue
			}
			for _, other := range r.Channels {
				if other.State != ch.State {
					other.State.SetPreferred(false)
				}
			}
		}
	}
	ch.State.SetPreferred(on)
	return nil
}

// checkOnce requests the models of a channel without a health check.
func (s *Source) checkOnce(ctx context.Context, ch *route.Channel) admin.CheckResult {
	t := s.try(ctx, ch, "", http.MethodGet, modelsPath(ch), nil)
	out := admin.CheckResult{Name: ch.Config.Name, Latency: millis(t.total), At: time.Now(), Health: string(sdk.HealthUnknown)}
	switch {
	case t.problem == "" && t.status == http.StatusOK:
		out.OK, out.Message = true, fmt.Sprintf("it lists %s", countOf(len(connect.ModelNames(t.body.Bytes())), "model"))
	case t.problem == "" && (t.status == http.StatusNotFound || t.status == http.StatusMethodNotAllowed):
		out.OK, out.Message = true, fmt.Sprintf("it answers, but lists no models (%d): 'aitunnel channel test %s' sends a real request", t.status, ch.Config.Name)
	default:
		out.Message = t.failure()
	}
	return out
}

// countOf returns a number with its noun.
func countOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Check is for [admin.Source]. A channel without a health check is asked for its
// models.
func (s *Source) Check(ctx context.Context, name string) (admin.CheckResult, error) {
	ch, err := s.channel(name)
	if err != nil {
		return admin.CheckResult{}, err
	}
	began := time.Now()
	result, err := s.program.Monitor.Now(ctx, name)
	if errors.Is(err, health.ErrNoCheck) {
		return s.checkOnce(ctx, ch), nil
	}
	out := admin.CheckResult{Name: name, OK: err == nil && result.Healthy, Latency: millis(result.Latency), Message: result.Reason, At: time.Now()}
	if err != nil {
		out.Message = "the check could not be made: " + err.Error()
	}
	if out.Latency == 0 {
		out.Latency = millis(time.Since(began))
	}
	if out.Health = string(ch.State.View(s.program.Registry.Now()).Health); out.Health == "" {
		out.Health = string(sdk.HealthUnknown)
	}
	return out, nil
}
