package adminapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/proxy"
	"github.com/aitunnel/aitunnel/core/route"
)

// Explain is for [admin.Source].
func (s *Source) Explain(ctx context.Context, q admin.ExplainRequest) (admin.Explanation, error) {
	path, query, _ := strings.Cut(q.Path, "?")
	if !strings.HasPrefix(path, "/") {
		return admin.Explanation{}, admin.Invalid("the path of a request begins with a slash, such as /v1/chat/completions")
	}
	if q.Model == "" {
		q.Model = proxy.PathModel(path)
	}
	if q.Client != "" && !s.knowsClient(q.Client) {
		return admin.Explanation{}, admin.NotFound(fmt.Sprintf("there is no client %q", q.Client))
	}
	in := route.Request{
		Model: q.Model, Client: q.Client, Endpoint: string(dialect.EndpointOf(cmp.Or(q.Method, http.MethodPost), path)),
		Operation: dialect.Operation(cmp.Or(q.Method, http.MethodPost), path),
		Header:    http.Header{}, RawQuery: query, Body: []byte(q.Body),
	}
	for name, value := range q.Headers {
		in.Header.Set(name, value)
	}
	out := admin.Explanation{Candidates: []admin.Candidate{}, Skipped: []admin.Skipped{}}
	r := s.table().Match(path, q.Model)
	if r == nil {
		out.Reason = s.table().NoMatch(path, q.Model)
		return out, nil
	}
	shown := showRoute(r)
	out.Route, out.Strategy, out.Plan, out.Reason = shown.Path, shown.Strategy, shown.Plan, shown.Reason
	choices, passed, unrouted := r.Explain(ctx, s.program.Registry.Now(), in)
	if unrouted != nil {
		out.Unrouted = fmt.Sprintf("the strategy did not answer (%v); the plan decides", unrouted)
	}
	for i := range choices {
		out.Candidates = append(out.Candidates, s.showChoice(choices, i, shown))
	}
	out.Refused = s.refusal(q.Client, path, q.Model)
	for i, c := range r.ExplainShadows(ctx, s.program.Registry.Now(), in) {
		would := admin.ShadowChoice{Strategy: shown.Shadows[i].Strategy, Reason: c.Reason}
		if c.Channel != nil {
			would.Channel = c.Channel.Config.Name
		}
		out.Shadows = append(out.Shadows, would)
	}
	for _, p := range passed {
		one := admin.Skipped{Channel: p.Channel.Config.Name, Why: string(p.Why), Reason: p.Cause}
		if p.Key != nil {
			one.Key = p.Key.ID()
		}
		out.Skipped = append(out.Skipped, one)
	}
	return out, nil
}

// showChoice describes a channel to which the request would be sent.
func (s *Source) showChoice(choices []route.Choice, i int, r admin.Route) admin.Candidate {
	c := choices[i]
	out := admin.Candidate{Channel: c.Channel.Config.Name, Reason: ownReason(choices, i, r)}
	if c.Key != nil {
		out.Key = c.Key.ID()
		out.KeySelector, out.KeyReason = c.Channel.Config.KeySelector.Ref, c.KeyReason
	}
	for _, k := range c.Keys {
		out.Keys = append(out.Keys, k.ID())
	}
	for _, e := range showEgresses(c.Channel, s.program.Registry.Now()) {
		if e.Used {
			out.Egress = e.Name
		}
	}
	return out
}

// ownReason returns why a channel has its position among the choices. It does not
// repeat the reason of the plan, or of a strategy for this request, which applies to
// all of them.
func ownReason(choices []route.Choice, i int, r admin.Route) string {
	c := choices[i]
	more, ofPlan := strings.CutPrefix(c.Reason, r.Reason)
	ofPlan = ofPlan && r.Reason != ""
	again := i > 0 && c.Reason == choices[i-1].Reason
	switch {
	case c.Skip != "":
		return fmt.Sprintf("%s (%s)", c.Reason, c.Skip.Text())
	case !ofPlan && !again:
		return c.Reason
	case i > 0 && c.Channel.Config.Fallback:
		return "a fallback: used if the channels before it fail"
	case i > 0 && c.Random:
		return fmt.Sprintf("next, if %s fails (random for each request)", choices[i-1].Channel.Config.Name)
	case i > 0:
		return fmt.Sprintf("next, if %s fails", choices[i-1].Channel.Config.Name)
	}
	return fmt.Sprintf("the first choice of the strategy %s, weight %g", r.Strategy, c.Channel.Config.Weight) + more
}
