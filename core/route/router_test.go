package route

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/attribute"
)

// guide is a strategy that routes each request.
type guide struct {
	*author
	answer func(context.Context, sdk.RouteRequest) (sdk.RouteReply, error)

	mu   sync.Mutex
	seen []sdk.RouteRequest
}

func (g *guide) Route(ctx context.Context, req sdk.RouteRequest) (sdk.RouteReply, error) {
	g.mu.Lock()
	g.seen = append(g.seen, req)
	g.mu.Unlock()
	return g.answer(ctx, req)
}

func (g *guide) requests() []sdk.RouteRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]sdk.RouteRequest(nil), g.seen...)
}

func newGuide(p sdk.Plan, answer func(context.Context, sdk.RouteRequest) (sdk.RouteReply, error)) *guide {
	return &guide{author: always(p), answer: answer}
}

// ask returns a request for which the strategy is called.
func (w *world) ask(r Request) *Walk {
	var walk Walk
	r.Model = "m"
	walk.Begin(w.table.Routes[0], r)
	walk.CallRouter(context.Background(), w.registry.Now())
	return &walk
}

func orders(names ...string) func(context.Context, sdk.RouteRequest) (sdk.RouteReply, error) {
	return func(context.Context, sdk.RouteRequest) (sdk.RouteReply, error) {
		return sdk.RouteReply{Order: names, Reason: "as asked"}, nil
	}
}

// The channels of the answer come first, in its order, then those of the plan;
// unavailable ones are skipped.
func TestRequestsFollowTheAnswer(t *testing.T) {
	g := newGuide(planOf(sdk.RuleOrder, "a", "b", "c", "d"), orders("c", "b"))
	w := build(t, nil, map[string]sdk.Component{"x": g}, routeTo("x", channels("a", "b", "c", "d")))
	walk := w.ask(Request{})
	var got, why []string
	for range 4 {
		p, ok := walk.Next(w.registry.Now())
		if !ok {
			break
		}
		got, why = append(got, nameOf(p)), append(why, p.Reason)
		release(p)
		walk.FailChannel(p, time.Time{})
	}
	if s := strings.Join(got, " "); s != "c b a d" {
		t.Errorf("tried in the order %s", s)
	}
	if s := strings.Join(why, ", "); s != "as asked, as asked, the author's, the author's" {
		t.Errorf("reasons: %s", s)
	}
	w.channel("c").State.SetPaused(true)
	if p, ok := w.ask(Request{}).Next(w.registry.Now()); !ok || nameOf(p) != "b" {
		t.Errorf("with c paused: %s", nameOf(p))
	}
	if n := w.walk(""); w.pick(n) != "a" {
		t.Error("an answer is used for a request without a call")
	}
}

// A strategy gets the declared attributes only: of the body those that the
// configuration allows, and never a credential.
func TestAttributesForAStrategy(t *testing.T) {
	p := planOf(sdk.RuleOrder, "a")
	p.Attributes = []string{"header.x-session-id", "header.authorization", "query.key", "query.region", "body.user", "body.messages", "body.metadata.user_id", "header.x-absent"}
	g := newGuide(p, orders())
	r := routeTo("x", channels("a"))
	r.Strategy.Expose = []string{"body.user", "body.metadata"}
	w := build(t, nil, map[string]sdk.Component{"x": g}, r)
	all := Request{
		Header:   http.Header{"X-Session-Id": {"s1"}, "Authorization": {"Bearer sk-1"}, "X-More": {"no"}},
		RawQuery: "key=sk-2&region=eu",
		Body:     []byte(`{"user":"u1","messages":"the prompt","metadata":{"user_id":"` + strings.Repeat("x", attribute.Max+1) + `"}}`),
	}
	for range 3 {
		w.ask(all)
	}
	req := g.requests()[0]
	want := map[string]string{"header.x-session-id": "s1", "query.region": "eu", "body.user": "u1", "body.metadata.user_id": strings.Repeat("x", attribute.Max)}
	if fmt.Sprint(req.Attributes) != fmt.Sprint(want) {
		t.Errorf("attributes %v", req.Attributes)
	}
	if req.Route != "/v1/**" || req.Model != "m" || len(req.Channels) != 1 || req.Channels[0].ID != "a" || !req.Channels[0].Available {
		t.Errorf("%+v", req)
	}
	notices := strings.Join(w.noted(), "\n")
	if len(w.noted()) != 3 || !strings.Contains(notices, `expose = ["body.messages"]`) || !strings.Contains(notices, "header.authorization, which is withheld: it carries a credential") {
		t.Errorf("notices:\n%s", notices)
	}
	if strings.Contains(notices, "sk-") || strings.Contains(notices, "prompt is") && strings.Contains(notices, "the prompt\n") {
		t.Error("a notice holds what is withheld")
	}
}

// Whatever a strategy answers, requests continue with the plan: at once or after the
// deadline, and after some failures without a call.
func TestAStrategyThatAnswersBadly(t *testing.T) {
	hang := func(ctx context.Context, _ sdk.RouteRequest) (sdk.RouteReply, error) {
		<-ctx.Done()
		return sdk.RouteReply{}, ctx.Err()
	}
	for name, answer := range map[string]func(context.Context, sdk.RouteRequest) (sdk.RouteReply, error){
		"error": func(context.Context, sdk.RouteRequest) (sdk.RouteReply, error) { return sdk.RouteReply{}, errDown },
		"hangs": hang,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGuide(planOf(sdk.RuleOrder, "a", "b"), answer)
				w := build(t, nil, map[string]sdk.Component{"x": g}, routeTo("x", channels("a", "b")))
				for i := range 3 * routeFailures {
					begun := time.Now()
					if got := w.pick(w.ask(Request{})); got != "a" {
						t.Fatalf("request %d went to %s", i, got)
					}
					if took := time.Since(begun); took > routeDeadline {
						t.Fatalf("request %d took %s", i, took)
					}
				}
				if n := len(g.requests()); n != routeFailures {
					t.Errorf("it was called %d times", n)
				}
				info := w.table.Routes[0].Plan().Router
				if info == nil || !info.Paused || info.Failed != routeFailures || info.Skipped != 2*routeFailures {
					t.Errorf("%+v", info)
				}
				after(routePause)
				w.ask(Request{})
				w.ask(Request{})
				if n := len(g.requests()); n != routeFailures+1 {
					t.Errorf("after the pause it was called %d more times", n-routeFailures)
				}
				after(2 * routePause)
				g.answer = orders("b")
				if got := w.pick(w.ask(Request{})); got != "b" {
					t.Errorf("it works again, but the request went to %s", got)
				}
				if notices := w.noted(); len(notices) != 2 || !strings.Contains(notices[1], "again") {
					t.Errorf("%q", notices)
				}
			})
		})
	}
}

// A caller that disconnects during the call does not count as a failure of the strategy.
func TestACallerThatDisconnectsDuringTheCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g := newGuide(planOf(sdk.RuleOrder, "a"), func(ctx context.Context, _ sdk.RouteRequest) (sdk.RouteReply, error) {
		cancel()
		return sdk.RouteReply{}, errors.New("whatever")
	})
	w := build(t, nil, map[string]sdk.Component{"x": g}, routeTo("x", channels("a")))
	var walk Walk
	walk.Begin(w.table.Routes[0], Request{})
	walk.CallRouter(ctx, w.registry.Now())
	if info := w.table.Routes[0].Plan().Router; info.Failed != 0 {
		t.Errorf("%+v", info)
	}
}

// The number of calls at once is limited; for all other requests the plan decides.
func TestManyRequestsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuide(planOf(sdk.RuleOrder, "a", "b"), func(context.Context, sdk.RouteRequest) (sdk.RouteReply, error) {
			time.Sleep(routeDeadline / 2)
			return sdk.RouteReply{Order: []string{"b"}}, nil
		})
		w := build(t, nil, map[string]sdk.Component{"x": g}, routeTo("x", channels("a", "b")))
		var all sync.WaitGroup
		for range 3 * routesAtOnce {
			all.Go(func() { w.pick(w.ask(Request{})) })
		}
		all.Wait()
		info := w.table.Routes[0].Plan().Router
		if info.Answered != routesAtOnce || info.Skipped != 2*routesAtOnce || info.Failed != 0 {
			t.Errorf("%+v", info)
		}
	})
}

func TestCorePlans(t *testing.T) {
	heavy := func() []*config.Channel {
		all := channels("light", "heavy", "spare")
		all[1].Weight, all[2].Fallback = 3, true
		return all
	}
	for how, want := range map[config.OnFailure]string{
		"":                         "light heavy light heavy light heavy light heavy",
		config.OnFailureRoundRobin: "light heavy light heavy light heavy light heavy",
		config.OnFailurePriority:   "heavy heavy heavy heavy heavy heavy heavy heavy",
		config.OnFailureWeighted:   "heavy light heavy heavy heavy light heavy heavy",
		config.OnFailureLeastBusy:  "heavy heavy heavy heavy heavy heavy heavy heavy", // none is under way: weight alone counts
		config.OnFailureLastPlan:   "light heavy light heavy light heavy light heavy", // of which there is none
	} {
		a := &author{plan: func(context.Context, sdk.PlanRequest) (sdk.Plan, error) { return sdk.Plan{}, errDown }}
		r := routeTo("x", heavy())
		r.Strategy.OnFailure = how
		w := build(t, nil, map[string]sdk.Component{"x": a}, r)
		if got := w.picks(8); got != want {
			t.Errorf("%q: %s", how, got)
		}
		if info := w.table.Routes[0].Plan(); !info.Core || !strings.HasPrefix(info.Reason, "core plan, "+corePlanName(how)+": ") {
			t.Errorf("%q: %+v", how, info)
		}
	}
}

// When the last plan is too old, on_failure decides what replaces it.
func TestAPlanThatIsTooOld(t *testing.T) {
	for how, want := range map[config.OnFailure]string{config.OnFailureRoundRobin: "a b a b", config.OnFailureLastPlan: "b b b b"} {
		synctest.Test(t, func(t *testing.T) {
			down := false
			a := &author{}
			a.plan = func(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
				if down {
					return sdk.Plan{}, errDown
				}
				p := planOf(sdk.RuleOrder, "b", "a")
				p.TTL, p.MaxStale = time.Second, time.Minute
				return p, nil
			}
			r := routeTo("x", channels("a", "b"))
			r.Strategy.OnFailure = how
			w := build(t, nil, map[string]sdk.Component{"x": a}, r)
			down = true
			after(30 * time.Second)
			if got := w.picks(4); got != "b b b b" {
				t.Errorf("%s: not too old yet: %s", how, got)
			}
			after(40 * time.Second)
			w.picks(1)
			synctest.Wait()
			if got := w.picks(4); got != want && got != "b a b a" {
				t.Errorf("%s: too old: %s", how, got)
			}
		})
	}
}

func TestExplainSaysWhyTheAnswerIsNotUsed(t *testing.T) {
	for want, answer := range map[string]func(context.Context, sdk.RouteRequest) (sdk.RouteReply, error){
		"no idea": func(context.Context, sdk.RouteRequest) (sdk.RouteReply, error) {
			return sdk.RouteReply{}, errors.New("no idea")
		},
		"no answer within 20ms": func(ctx context.Context, _ sdk.RouteRequest) (sdk.RouteReply, error) {
			<-ctx.Done()
			return sdk.RouteReply{}, ctx.Err()
		},
		`none of the channels that it names is in the route: "x" and "y"`: orders("x", "y"),
		"": orders("x", "b"),
	} {
		w := build(t, nil, map[string]sdk.Component{"x": newGuide(planOf(sdk.RuleOrder, "a", "b"), answer)}, routeTo("x", channels("a", "b")))
		choices, _, err := w.table.Routes[0].Explain(t.Context(), w.registry.Now(), Request{Model: "m"})
		if said := fmt.Sprint(err); err != nil && said != want || err == nil && want != "" {
			t.Errorf("%v, want %q", err, want)
		}
		if first := choices[0].Channel.Config.Name; len(choices) != 2 || (first == "a") != (want != "") {
			t.Errorf("%q: %d choices, the first is %s", want, len(choices), first)
		}
	}
}

func TestExplainOfAChannelOutOfServiceBehindOneInService(t *testing.T) {
	w := inOrderOf(t, channels("a", "b")...)
	w.channel("a").State.SetHealth(sdk.HealthDown, "no")
	choices, _, _ := w.table.Routes[0].Explain(t.Context(), w.registry.Now(), Request{})
	if len(choices) != 2 || choices[1].Channel.Config.Name != "a" || choices[1].Reason != reasonOutOfService {
		t.Errorf("%+v", choices)
	}
}
