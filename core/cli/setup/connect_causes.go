package setup

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/cli/internal/view"
	"github.com/aitunnel/aitunnel/core/connect"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// failedChannel is a channel that did not answer the check, and why.
type failedChannel struct {
	Channel string `json:"channel"`
	Why     string `json:"why"`

	noEndpoint bool
}

// recordLimit is how long to wait for the record of a request.
const recordLimit = 3 * time.Second

// findCauses records why each channel did not answer, and whether all of them lack the
// API.
func (a *app) findCauses(ctx context.Context, app connect.App, out *checked) {
	ctx, cancel := context.WithTimeout(ctx, recordLimit)
	defer cancel()
	client := a.Client()
	for out.request != "" && out.Channels == nil {
		events, err := client.RecentEvents(ctx, 1000, "")
		if err != nil {
			break
		}
		if at := slices.IndexFunc(events, func(e event.Event) bool { return e.Request != nil && e.Request.ID == out.request }); at >= 0 {
			out.Channels = failedChannels(events[at].Request)
			break
		}
		select { // the record is published just after the answer
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	// Channels that were passed over for others are not in the record.
	_, path := app.API.Text()
	path = strings.Replace(path, "MODEL", out.Model, 1)
	if x, err := client.Explain(ctx, admin.ExplainRequest{Path: path, Model: out.Model}); err == nil {
		for _, s := range x.Skipped {
			why := channel.Skip(s.Why)
			if s.Key == "" && why != channel.SkipModelNotServed && !slices.ContainsFunc(out.Channels, func(f failedChannel) bool { return f.Channel == s.Channel }) {
				out.Channels = append(out.Channels, failedChannel{s.Channel, view.SkipText(s.Why, s.Reason), why == channel.SkipNoEndpoint})
			}
		}
	}
	if len(out.Channels) > 0 && !slices.ContainsFunc(out.Channels, func(f failedChannel) bool { return !f.noEndpoint }) {
		out.Missing = path
	}
}

// failedChannels returns the channels in a record, each with its last attempt.
func failedChannels(r *event.Request) (all []failedChannel) {
	for _, at := range slices.Backward(r.Attempts) {
		if !slices.ContainsFunc(all, func(f failedChannel) bool { return f.Channel == at.Channel }) {
			all = append(all, failedChannel{at.Channel, view.AttemptText(at), at.Means == string(verdict.NoEndpoint)})
		}
	}
	slices.Reverse(all)
	for _, o := range r.PassedOver {
		if why := channel.Skip(o.Why); !slices.ContainsFunc(all, func(f failedChannel) bool { return f.Channel == o.Channel }) {
			all = append(all, failedChannel{o.Channel, view.PassedOverText(o), why == channel.SkipNoEndpoint})
		}
	}
	return all
}

// showCauses prints what is missing, and what to do.
func (a *app) showCauses(app connect.App, out *checked) {
	p := a.Paint()
	if out.Missing != "" {
		name, _ := app.API.Text()
		a.Say("  No channel answers %s (%s), which %s needs. Add a channel whose site has it.", name, out.Missing, app.Name)
	}
	for _, f := range out.Channels {
		a.Say("  %s %s", p.Bold(f.Channel+":"), f.Why)
	}
	if out.request != "" && len(out.Channels) > 0 {
		a.Say("  'aitunnel requests %s' shows each attempt%s.", out.request, term.After(", 'aitunnel channel test ", out.Channels[0].Channel+"' tries one site"))
		return
	}
	a.Say("  'aitunnel logs' shows what happened, 'aitunnel channel test CHANNEL' tries one site.")
}
