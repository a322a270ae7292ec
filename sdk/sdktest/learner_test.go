package sdktest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// learner is a correct strategy and key selector, apart from the fault that is planted in it.
type learner struct {
	settings learnerSettings
	fault    string

	mu     sync.Mutex
	memory map[string]score
	extra  []byte
	end    chan struct{}
	ended  sync.Once
	inside atomic.Int32 // callers of collide
}

type learnerSettings struct {
	Explore float64       `hcl:"explore,optional" doc:"How curious it is, above 0 and up to 1."`
	Every   time.Duration `hcl:"every,optional" doc:"How often it plans."`
	Token   string        `hcl:"token,optional" sensitive:"true" doc:"What it asks others with."`
}

type undocumentedSettings struct {
	Explore float64 `hcl:"explore,optional"`
}

type reservedSettings struct {
	OnFailure string `hcl:"on_failure,optional" doc:"What to do then."`
}

type score struct{ Good, Bad float64 }

var learnerDefaults = learnerSettings{Explore: 0.1, Every: time.Second}

// shared is where a learner with that fault keeps what should be in the instance.
var shared struct {
	sync.Mutex
	settings learnerSettings
	memory   map[string]score
}

func learnerFactory(fault string) sdk.Factory {
	f := sdk.Factory{
		Name: "learner", Doc: "Learns.", Settings: learnerDefaults,
		New: func() sdk.Component {
			return &learner{settings: learnerDefaults, fault: fault, memory: map[string]score{}, end: make(chan struct{})}
		},
	}
	switch fault {
	case "has a setting without a doc":
		f.Settings = undocumentedSettings{Explore: 0.1}
	case "has a setting that is aitunnel's":
		f.Settings = reservedSettings{OnFailure: "weep"}
	case "has other defaults than it says":
		other := learnerDefaults
		other.Every = time.Minute
		f.Settings = otherDefaults(other)
	}
	return f
}

// otherDefaults is another type, whose values Decode does not use as defaults.
type otherDefaults learnerSettings

func (l *learner) Configure(_ context.Context, cfg sdk.Config) error {
	if l.fault == "is strict about settings" {
		d := json.NewDecoder(bytes.NewReader(cfg.Body))
		d.DisallowUnknownFields()
		var v struct {
			Explore *float64 `json:"explore"`
			Every   *string  `json:"every"`
			Token   *string  `json:"token"`
		}
		if err := d.Decode(&v); err != nil {
			return &sdk.ConfigError{Path: []string{"explore"}, Message: err.Error()}
		}
	}
	err := cfg.Decode(&l.settings)
	switch {
	case err != nil && l.fault == "ignores what is wrong":
		l.settings = learnerDefaults
	case err != nil:
		return err
	}
	if l.fault == "logs its settings" {
		log.Printf("configured: %+v", l.settings)
	}
	if l.fault == "shows its settings when it refuses them" && l.settings.Every <= 0 {
		return &sdk.ConfigError{Path: []string{"every"}, Message: "not with the token " + l.settings.Token}
	}
	if !(l.settings.Explore > 0 && l.settings.Explore <= 1) && l.fault != "accepts what it cannot use" {
		if l.fault == "refuses without a path" {
			return errors.New("explore must be above 0")
		}
		return &sdk.ConfigError{Path: []string{"explore"}, Message: "that is no share", Hint: "above 0 and up to 1"}
	}
	if l.settings.Every <= 0 {
		return &sdk.ConfigError{Path: []string{"every"}, Message: "that is no time", Hint: "above 0"}
	}
	switch l.fault {
	case "keeps its settings in the package":
		shared.Lock()
		shared.settings = l.settings
		shared.Unlock()
	case "leaves a goroutine behind":
		go func() {
			for range time.Tick(time.Hour) {
			}
		}()
	default:
		go func() { <-l.end }()
	}
	return nil
}

func (l *learner) Close() error {
	switch l.fault {
	case "panics when it is closed again":
		close(l.end)
		return nil
	case "hangs in Close":
		select {}
	}
	l.ended.Do(func() { close(l.end) })
	return nil
}

func (l *learner) Plan(ctx context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	return l.plan(ctx, req.Channels, req.Outcomes, req.State)
}

// collide makes concurrent callers write to the map until the runtime or the race detector
// notices.
func (l *learner) collide() {
	l.inside.Add(1)
	defer l.inside.Add(-1)
	time.Sleep(5 * time.Millisecond)
	for l.inside.Load() > 1 {
		l.memory["collision"] = score{}
	}
}

func (l *learner) plan(ctx context.Context, all []sdk.Snapshot, outcomes []sdk.Outcome, state []byte) (sdk.Plan, error) {
	if l.fault == "races" {
		l.collide()
	} else {
		l.mu.Lock()
	}
	if ctx.Err() != nil && l.fault == "keeps a lock when a caller gives up" {
		return sdk.Plan{}, ctx.Err()
	}
	if l.fault != "races" {
		defer l.mu.Unlock()
	}
	if l.fault == "panics when there is nothing to plan" {
		_ = all[0]
	}
	if l.fault == "hangs" {
		select {}
	}
	if err := l.restore(state); err != nil {
		return sdk.Plan{}, err
	}
	for _, o := range outcomes {
		s := l.memory[o.ID]
		s.Good, s.Bad = 0.9*s.Good+float64(o.Successes), 0.9*s.Bad+float64(o.Failures)
		l.memory[o.ID] = s
	}
	l.prune(all)
	p := sdk.Plan{TTL: l.settings.Every, Groups: l.groups(all), Reason: "by what was learned"}
	if l.fault == "plans what it has seen once" {
		p.Groups = l.everSeen(all)
	}
	if l.fault == "asks for an attribute that there is not" {
		p.Attributes = []string{"cookie.session"}
	}
	if l.fault == "gives its token as the reason" {
		p.Reason = "asked with " + l.settings.Token
	}
	if l.fault == "keeps its settings in the package" {
		shared.Lock()
		p.TTL = shared.settings.Every
		shared.Unlock()
	}
	if l.fault == "has a state that grows" {
		l.extra = append(l.extra, bytes.Repeat([]byte("x"), 1000)...)
	}
	var err error
	p.State, err = json.Marshal(struct {
		Memory map[string]score
		Extra  []byte `json:",omitempty"`
	}{l.memory, l.extra})
	return p, err
}

func (l *learner) restore(state []byte) error {
	if len(l.memory) > 0 || len(state) == 0 || l.fault == "forgets at a restart" {
		return nil
	}
	var v struct{ Memory map[string]score }
	if err := json.Unmarshal(state, &v); err != nil {
		if l.fault == "fails on a state that is not its own" {
			return err
		}
		return nil
	}
	if v.Memory != nil {
		l.memory = v.Memory
	}
	return nil
}

// prune removes the members that no longer exist.
func (l *learner) prune(all []sdk.Snapshot) {
	if l.fault == "keeps what it has learned in the package" {
		shared.Lock()
		defer shared.Unlock()
		if shared.memory == nil {
			shared.memory = map[string]score{}
		}
		for id, s := range l.memory {
			shared.memory[id] = s
		}
		for id, s := range shared.memory {
			l.memory[id] = s
		}
	}
	if l.fault == "plans what it has seen once" {
		for _, c := range all {
			if _, seen := l.memory[c.ID]; !seen {
				l.memory[c.ID] = score{}
			}
		}
		return
	}
	known := map[string]bool{}
	for _, c := range all {
		known[c.ID] = true
	}
	for id := range l.memory {
		if !known[id] {
			delete(l.memory, id)
		}
	}
}

func (l *learner) everSeen(all []sdk.Snapshot) []sdk.Group {
	groups := l.groups(all)
	in := map[string]bool{}
	for _, c := range all {
		in[c.ID] = true
	}
	last := sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleOrder}}
	for id := range l.memory {
		if !in[id] {
			last.Members = append(last.Members, sdk.Member{ID: id})
		}
	}
	return append(groups, last)
}

func (l *learner) groups(all []sdk.Snapshot) []sdk.Group {
	rule := sdk.Rule{Kind: sdk.RuleSmoothWRR}
	if l.fault == "has a rule of its own" {
		rule.Kind = "best_first"
	}
	tiers := make([]sdk.Group, 4)
	for i, c := range all {
		if l.fault == "plans the first hundred only" && i >= 100 {
			break
		}
		if l.fault == "leaves out what is out of service" && !c.Available {
			continue
		}
		tier := 0
		if c.Fallback && l.fault != "lets fallbacks serve with the others" {
			tier += 2
		}
		if c.Weight == 0 {
			tier++
		}
		tiers[tier].Rule = rule
		tiers[tier].Members = append(tiers[tier].Members, sdk.Member{ID: c.ID, Weight: l.weight(c.ID)})
	}
	var groups []sdk.Group
	for _, g := range tiers {
		if len(g.Members) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

func (l *learner) weight(id string) float64 {
	s := l.memory[id]
	if l.fault == "divides by nothing" {
		return s.Good / (s.Good + s.Bad)
	}
	w := (s.Good+1)/(s.Good+s.Bad+2) + l.settings.Explore
	if l.fault == "accepts what it cannot use" {
		return 1/l.settings.Explore + w
	}
	return math.Min(w, 2)
}

// router is a learner that is asked about each request.
type router struct{ *learner }

func (r router) Route(ctx context.Context, req sdk.RouteRequest) (sdk.RouteReply, error) {
	switch r.fault {
	case "is slow for each request":
		time.Sleep(50 * time.Millisecond)
	case "names a channel of its own":
		return sdk.RouteReply{Order: []string{"mine"}}, nil
	}
	var order []string
	for _, c := range req.Channels {
		order = append(order, c.ID)
	}
	return sdk.RouteReply{Order: order}, ctx.Err()
}

// keyLearner is a learner for keys.
type keyLearner struct{ learner *learner }

func (k keyLearner) Configure(ctx context.Context, cfg sdk.Config) error {
	return k.learner.Configure(ctx, cfg)
}
func (k keyLearner) Close() error { return k.learner.Close() }
func (k keyLearner) PlanKeys(ctx context.Context, req sdk.KeyPlanRequest) (sdk.Plan, error) {
	return k.learner.plan(ctx, req.Keys, req.Outcomes, req.State)
}
