package route

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/core/verdict"
	"github.com/aitunnel/aitunnel/sdk"
)

// The real state of a key and a site, which the walk does not know.
type (
	keyTruth  int
	siteTruth int
)

const (
	keyGood        keyTruth = iota
	keyDead                 // refused with a code that rules know
	keyDeadUnknown          // refused for an unknown reason
	keySpent
	keyNoAccess        // to the model "b"
	keyNoAccessUnknown // the same, for an unknown reason
	keyLimited         // every other minute
)

const (
	siteUp         siteTruth = iota
	siteOverloaded           // every other minute
	siteChallenges           // refuses this address, and says so
	siteBlocks               // refuses this address, less clearly
	siteBlocksUnknown
)

// trace is one random pool with the requests to it.
type trace struct {
	t        *testing.T
	random   *rand.Rand
	now      time.Time
	registry *channel.Registry
	route    *Route
	sites    map[*Channel]siteTruth
	keys     map[*Key]keyTruth
	asked    map[*Key]int  // a key with a hidden fault, before it is known
	known    map[*Key]bool // it was found out; from then on it is asked once per mark
	tally    *traceTally
}

type traceTally struct {
	answerable, answered int
	dead, asked, worst   int // keys that are dead, requests until they were known
}

// sent is a request with its hidden properties.
type sent struct {
	id      uint64
	model   string
	refused bool     // by every site, for an unknown reason
	by      *Channel // this one refuses it; nil: none does
}

func newTrace(t *testing.T, seed uint64, tally *traceTally) *trace {
	x := &trace{
		t: t, random: rand.New(rand.NewPCG(seed, 7)), now: time.Unix(1e9, 0), tally: tally, //nolint:gosec // no secret
		sites: map[*Channel]siteTruth{}, keys: map[*Key]keyTruth{}, asked: map[*Key]int{}, known: map[*Key]bool{},
	}
	x.registry = channel.NewRegistry(channel.Options{Now: func() time.Time { return x.now }})
	table := &Table{singles: map[string]*Route{}, planners: map[Purpose]*planner{}}
	x.route = &Route{Config: &config.Route{Pattern: "/**"}, registry: x.registry, maxExtra: 0.2}
	o := Options{Registry: x.registry, Notice: func(string) {}}
	var candidates []candidate
	for i := range 1 + x.random.IntN(4) {
		ch := x.channel(table, o, fmt.Sprint("c", i))
		x.route.Channels = append(x.route.Channels, ch)
		candidates = append(candidates, ch)
	}
	x.route.makeGauges()
	x.route.planner = table.plan(roundRobin(Purpose{Kind: ForRoute}, candidates), o)
	if err := table.start(); err != nil {
		t.Fatal(err)
	}
	return x
}

// roundRobin returns a subject that is planned without a component.
func roundRobin(p Purpose, candidates []candidate) subject {
	return subject{purpose: p, candidates: candidates, ask: func(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
		plan := corePlan(req.Channels, config.OnFailureRoundRobin, "in turn")
		plan.TTL = maxTTL
		return plan, nil
	}}
}

func (x *trace) channel(table *Table, o Options, name string) *Channel {
	ch := &Channel{Config: &config.Channel{Name: name, Target: &url.URL{Host: name}, Weight: 1}, State: x.registry.Channel(name, name)}
	x.sites[ch] = x.site()
	var candidates []candidate
	for i := range 1 + x.random.IntN(6) {
		secret := fmt.Sprint("secret-", name, i)
		k := &Key{Config: &config.Key{Weight: 1}, State: ch.State.Key(secret)}
		x.keys[k] = x.key()
		ch.Keys = append(ch.Keys, k)
		candidates = append(candidates, k)
	}
	ch.planner = table.plan(roundRobin(Purpose{Kind: ForKeys, Name: name}, candidates), o)
	return ch
}

func (x *trace) site() siteTruth {
	if x.random.IntN(10) < 6 {
		return siteUp
	}
	return siteTruth(1 + x.random.IntN(4))
}

func (x *trace) key() keyTruth {
	if x.random.IntN(10) < 6 {
		return keyGood
	}
	return keyTruth(1 + x.random.IntN(6))
}

// oddMinute reports whether candidates that are limited or overloaded at times are so now.
func (x *trace) oddMinute() bool { return x.now.Unix()/60%2 == 1 }

// answer returns what the candidate's site answers to the request: good, or an
// outcome.
func (x *trace) answer(r *sent, ch *Channel, k *Key) (good bool, o Outcome) {
	means := func(m verdict.Means) (bool, Outcome) {
		return false, Outcome{Verdict: verdict.Verdict{Means: m, Reason: string(m)}}
	}
	switch x.sites[ch] {
	case siteOverloaded:
		if x.oddMinute() {
			return means(verdict.Overloaded)
		}
	case siteChallenges:
		_, o := means(verdict.Blocked)
		o.AtOnce = true
		return false, o
	case siteBlocks:
		return means(verdict.Blocked)
	case siteBlocksUnknown:
		return means(verdict.Suspect)
	}
	switch x.keys[k] {
	case keyDead:
		return means(verdict.InvalidKey)
	case keyDeadUnknown:
		return means(verdict.Suspect)
	case keySpent:
		return means(verdict.QuotaSpent)
	case keyNoAccess:
		if r.model == "b" {
			return means(verdict.NoAccess)
		}
	case keyNoAccessUnknown:
		if r.model == "b" {
			return means(verdict.Suspect)
		}
	case keyLimited:
		if x.oddMinute() {
			_, o := means(verdict.RateLimited)
			o.For = time.Duration(60-x.now.Unix()%60) * time.Second
			return false, o
		}
	}
	if r.refused || r.by == ch {
		return means(verdict.Suspect)
	}
	return true, Outcome{}
}

func (x *trace) request(id uint64) *sent {
	r := &sent{id: id, model: "a"}
	if x.random.IntN(3) == 0 {
		r.model = "b"
	}
	switch x.random.IntN(20) {
	case 0:
		r.refused = true
	case 1:
		r.by = x.route.Channels[x.random.IntN(len(x.route.Channels))]
	}
	return r
}

func (x *trace) answerable(r *sent) bool {
	for _, ch := range x.route.Channels {
		for _, k := range ch.Keys {
			if good, _ := x.answer(r, ch, k); good {
				return true
			}
		}
	}
	return false
}

// run makes the attempts of the request, as the proxy does.
func (x *trace) run(r *sent) (answered bool) {
	var w Walk
	w.Begin(x.route, Request{Model: r.model, Endpoint: "generate", Body: binary.BigEndian.AppendUint64(nil, r.id)})
	for range 64 {
		p, ok := w.Next(x.now)
		if !ok {
			return false
		}
		x.count(p)
		x.checkMark(&w, p)
		good, o := x.answer(r, p.Channel, p.Key)
		x.now = x.now.Add(10 * time.Millisecond)
		if good {
			w.Answered(&p, x.now, time.Millisecond)
			p.Lease.Succeed(x.now)
			p.ReleaseKey()
			return true
		}
		w.Failed(&p, x.now, o)
	}
	x.t.Error("a request took 64 attempts")
	return false
}

// checkMark fails if a marked key is used although its mark has not ended and another key is
// available.
func (x *trace) checkMark(w *Walk, p Pick) {
	if _, deferred := p.Key.State.Deferred(x.now, w.request.Model, w.request.Operation); !deferred || p.test {
		return
	}
	view := keyView{walk: w, channel: p.Channel}
	for i := range p.Channel.Keys {
		if view.available(i) {
			x.t.Errorf("a marked key was used while another was available")
		}
	}
}

// count counts the requests that a dead key gets before it is found to be dead.
func (x *trace) count(p Pick) {
	truth := x.keys[p.Key]
	if x.sites[p.Channel] != siteUp || truth != keyDead && truth != keyDeadUnknown || !x.comparable(p) {
		return
	}
	v := p.Key.State.View(x.now)
	if v.Counters.Failures == 0 {
		x.tally.dead++
	}
	if v.Skip != "" || v.Suspect || x.known[p.Key] {
		return
	}
	x.asked[p.Key]++
	x.tally.asked++
	x.tally.worst = max(x.tally.worst, x.asked[p.Key])
}

// comparable reports whether the channel also has a good key.
func (x *trace) comparable(p Pick) bool {
	for _, k := range p.Channel.Keys {
		if x.keys[k] == keyGood {
			return true
		}
	}
	return false
}

// check fails if something healthy is unavailable.
func (x *trace) check(r *sent) {
	for _, ch := range x.route.Channels {
		if x.sites[ch] == siteUp {
			if skip := ch.State.Skip(x.now); skip != "" {
				x.t.Errorf("a healthy channel is unavailable: %s, after %+v", skip, r)
			}
			for _, model := range []string{"a", "b"} {
				if skip, _ := ch.State.SkipFor(x.now, model, "generate"); skip != "" {
					x.t.Errorf("a healthy channel is unavailable for %s: %s, after %+v", model, skip, r)
				}
			}
		}
		for _, k := range ch.Keys {
			for _, model := range []string{"a", "b"} {
				skip, _ := k.State.Skip(x.now, model, "generate")
				_, deferred := k.State.Deferred(x.now, model, "generate")
				x.known[k] = x.known[k] || skip != "" || deferred
				if x.works(k, model) {
					if skip != "" {
						x.t.Errorf("a healthy key is unavailable for %s: %s, after %+v", model, skip, r)
					}
				}
				if deferred && x.keys[k] == keyGood {
					x.t.Errorf("a healthy key is suspect, after %+v", r)
				}
			}
		}
	}
}

func (x *trace) works(k *Key, model string) bool {
	switch x.keys[k] {
	case keyGood:
		return true
	case keyNoAccess, keyNoAccessUnknown:
		return model == "a"
	}
	return false
}

// TestOnlyFaultyCandidatesBecomeUnavailable sends requests to random pools of sites and keys
// with hidden faults: nothing healthy becomes unavailable, nearly every request that can be
// answered is, and a dead key is found quickly.
func TestOnlyFaultyCandidatesBecomeUnavailable(t *testing.T) {
	traces := 10_000
	if testing.Short() || testhelp.Race {
		traces = 500
	}
	tally := &traceTally{}
	for i := range traces {
		x := newTrace(t, uint64(i), tally) //nolint:gosec // not negative
		for id := range uint64(40) {
			x.now = x.now.Add(time.Duration(x.random.IntN(30_000)) * time.Millisecond)
			r := x.request(id)
			answerable := x.answerable(r)
			answered := x.run(r)
			if answerable {
				tally.answerable++
				if answered {
					tally.answered++
				}
			}
			x.check(r)
			if t.Failed() {
				t.Fatalf("trace %d, request %d: %+v", i, id, *x)
			}
		}
	}
	share := 100 * float64(tally.answered) / float64(tally.answerable)
	t.Logf("%d traces: %.2f %% of %d requests answered; %d dead keys, %d requests to them until they were known, at most %d",
		traces, share, tally.answerable, tally.dead, tally.asked, tally.worst)
	if share < 99.3 {
		t.Errorf("%.2f %% of the requests that could be answered were", share)
	}
	if tally.worst > 5 {
		t.Errorf("a dead key was used %d times until it was disabled", tally.worst)
	}
}
