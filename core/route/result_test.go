package route

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/verdict"
)

func means(m verdict.Means) Outcome {
	return Outcome{Verdict: verdict.Verdict{Means: m, Reason: string(m)}}
}

// begin starts a request with the body.
func (w *world) begin(body string) *Walk {
	var walk Walk
	walk.Begin(w.table.Routes[0], Request{Model: "m", Endpoint: "generate", Body: []byte(body)})
	return &walk
}

// send makes the attempts of a request, with outcomes by candidate, "channel" or
// "channel/key"; all others succeed. It returns the candidates that were tried.
func (w *world) send(walk *Walk, answers map[string]Outcome) string {
	var asked []string
	for len(asked) < 50 {
		p, ok := walk.Next(w.registry.Now())
		if !ok {
			asked = append(asked, "-")
			break
		}
		name := nameOf(p)
		asked = append(asked, name)
		o, bad := answers[name]
		if !bad {
			o, bad = answers[p.Channel.Config.Name]
		}
		if !bad {
			walk.Answered(&p, w.registry.Now(), time.Millisecond)
			p.Lease.Succeed(w.registry.Now())
			p.ReleaseKey()
			break
		}
		walk.Failed(&p, w.registry.Now(), o)
	}
	for _, ch := range w.table.Channels {
		for _, k := range ch.Keys {
			if n := k.State.InFlight(); n != 0 {
				w.t.Errorf("%d uses of a key are left", n)
			}
		}
		if n := ch.State.InFlight(); n != 0 {
			w.t.Errorf("%d attempts are left", n)
		}
	}
	return strings.Join(asked, " ")
}

// TestWhatAnOutcomeAffects: which candidate is tried next, and which are skipped by the next
// request.
func TestWhatAnOutcomeAffects(t *testing.T) {
	scoped := func(m verdict.Means, s verdict.Scope) Outcome { o := means(m); o.Scope = s; return o }
	certain := func(m verdict.Means) Outcome { o := means(m); o.AtOnce = true; return o }
	for _, tt := range []struct {
		name  string
		first Outcome // of a/k1
		asked string
		skips map[string]channel.Skip // of the next request, by candidate
	}{
		{"overloaded", means(verdict.Overloaded), "a/k1 b", nil},
		{"broken", means(verdict.Broken), "a/k1 b", nil},
		{"blocked at once", certain(verdict.Blocked), "a/k1 b", map[string]channel.Skip{"a": channel.SkipBlocked}},
		{"blocked, perhaps", means(verdict.Blocked), "a/k1 b", nil},
		{"rate limited", means(verdict.RateLimited), "a/k1 a/k2", map[string]channel.Skip{"a/k1": channel.SkipRateLimited}},
		{"rate limited as a whole", scoped(verdict.RateLimited, verdict.ScopeChannel), "a/k1 b", map[string]channel.Skip{"a": channel.SkipRateLimited}},
		{"quota spent", means(verdict.QuotaSpent), "a/k1 a/k2", map[string]channel.Skip{"a/k1": channel.SkipQuotaSpent}},
		{"invalid key", means(verdict.InvalidKey), "a/k1 a/k2", map[string]channel.Skip{"a/k1": channel.SkipInvalidKey}},
		{"no access", means(verdict.NoAccess), "a/k1 a/k2", map[string]channel.Skip{"a/k1": channel.SkipNoAccess}},
		{"no model", means(verdict.NoModel), "a/k1 b", map[string]channel.Skip{"a": channel.SkipNoModel}},
		{"no model for this key", scoped(verdict.NoModel, verdict.ScopeKeyModel), "a/k1 a/k2", map[string]channel.Skip{"a/k1": channel.SkipNoAccess}},
		{"no endpoint", certain(verdict.NoEndpoint), "a/k1 b", map[string]channel.Skip{"a": channel.SkipNoEndpoint}},
		{"no endpoint, perhaps", means(verdict.NoEndpoint), "a/k1 b", nil},
		{"too large", means(verdict.TooLarge), "a/k1 b", nil},
		{"declined", means(verdict.Declined), "a/k1 b", nil},
		{"refused", means(verdict.Refused), "a/k1 -", nil},
		{"suspect", means(verdict.Suspect), "a/k1 a/k2", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := inOrderOf(t, channels("a:k1,k2,k3", "b")...)
				if got := w.send(w.begin("x"), map[string]Outcome{"a/k1": tt.first}); got != tt.asked {
					t.Errorf("asked %s, want %s", got, tt.asked)
				}
				next := w.begin("y")
				next.now = w.registry.Now()
				for _, ch := range w.table.Channels {
					if got := next.skip(ch); got != tt.skips[ch.Config.Name] {
						t.Errorf("channel %s is skipped by %q, want %q", ch.Config.Name, got, tt.skips[ch.Config.Name])
					}
					for _, k := range ch.Keys {
						if got, want := next.keySkip(k), tt.skips[ch.Config.Name+"/"+k.State.ID()]; got != want {
							t.Errorf("key %s is skipped by %q, want %q", k.State.ID(), got, want)
						}
					}
				}
			})
		})
	}
}

func TestTwoKeysWithoutAccessMeanNoModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a:k1,k2,k3", "b")...)
		o := means(verdict.NoAccess)
		o.SecondKey = verdict.NoModel
		if got := w.send(w.begin("x"), map[string]Outcome{"a": o}); got != "a/k1 a/k2 b" {
			t.Errorf("asked %s", got)
		}
		if skip, _ := w.channel("a").State.SkipFor(w.registry.Now(), "m", "generate"); skip != channel.SkipNoModel {
			t.Errorf("the channel is skipped by %q", skip)
		}
	})
}

func TestADeclinedRequestIsTriedAtOneOtherChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a:k1,k2", "b", "c")...)
		declined := map[string]Outcome{"a": means(verdict.Declined), "b": means(verdict.Declined)}
		if got := w.send(w.begin("x"), declined); got != "a/k1 b -" {
			t.Errorf("asked %s", got)
		}
	})
}

func TestOnlyOneOtherChannelIsTriedAfterASilentSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a", "b", "c")...)
		o := means(verdict.Broken)
		o.Silent = true
		if got := w.send(w.begin("x"), map[string]Outcome{"a": o, "b": o}); got != "a b -" {
			t.Errorf("asked %s", got)
		}
	})
}

// TestUnexplainedRefusals: the steps after a refusal that no rule recognizes.
func TestUnexplainedRefusals(t *testing.T) {
	s := means(verdict.Suspect)
	for _, tt := range []struct {
		name     string
		channels []string
		good     []string // keys that answered the model before
		answers  map[string]Outcome
		asked    string
		marked   string
	}{
		{"a dead key beside a good one", []string{"a:k1,k2"}, nil, map[string]Outcome{"a/k1": s}, "a/k1 a/k2", "a/k1"},
		{"the key that answered last is used to compare", []string{"a:k1,k2,k3,k4"}, []string{"a/k3"}, map[string]Outcome{"a/k1": s}, "a/k1 a/k3", "a/k1"},
		{"a witness and another channel decide", []string{"a:k1,k2", "b:k1"}, []string{"a/k1"}, map[string]Outcome{"a": s}, "a/k1 b/k1", ""},
		{"two keys without a witness, another channel left", []string{"a:k1,k2,k3", "b:k1"}, nil, map[string]Outcome{"a": s}, "a/k1 a/k2 b/k1", ""},
		{"no other channel: a witness among two", []string{"a:k1,k2,k3,k4"}, []string{"a/k1"}, map[string]Outcome{"a": s}, "a/k1 a/k2 -", ""},
		{"no other channel: three without a witness", []string{"a:k1,k2,k3,k4"}, nil, map[string]Outcome{"a": s}, "a/k1 a/k2 a/k3 -", ""},
		{"two channels decide", []string{"a:k1", "b:k1", "c:k1"}, []string{"a/k1", "b/k1"}, map[string]Outcome{"a": s, "b": s}, "a/k1 b/k1 -", ""},
		{"the channel that answered last comes next", []string{"a:k1", "b:k1", "c:k1"}, []string{"c/k1"}, map[string]Outcome{"a": s}, "a/k1 c/k1", ""},
		{"two dead keys, the third good", []string{"a:k1,k2,k3"}, nil, map[string]Outcome{"a/k1": s, "a/k2": s}, "a/k1 a/k2 a/k3", "a/k1 a/k2"},
		{"a lone key is not marked", []string{"a:k1"}, nil, map[string]Outcome{"a": s}, "a/k1 -", ""},
		{"channels without keys", []string{"a", "b"}, nil, map[string]Outcome{"a": s}, "a b", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := channels(tt.channels...)
				for _, c := range all {
					if c.KeySelector != nil {
						c.KeySelector.Ref, c.KeySelector.Name = "sequential", "sequential"
					}
				}
				w := inOrderOf(t, all...)
				for _, ch := range w.table.Channels {
					for _, k := range ch.Keys {
						for _, good := range tt.good {
							if good == ch.Config.Name+"/"+k.State.ID() {
								k.State.Succeed(w.registry.Now(), "m", time.Millisecond)
							}
						}
					}
				}
				time.Sleep(time.Minute)
				if got := w.send(w.begin("x"), tt.answers); got != tt.asked {
					t.Errorf("asked %s, want %s", got, tt.asked)
				}
				var marked []string
				for _, ch := range w.table.Channels {
					for _, k := range ch.Keys {
						if _, deferred := k.State.Deferred(w.registry.Now(), "m", "generate"); deferred {
							marked = append(marked, ch.Config.Name+"/"+k.State.ID())
						}
						if skip, _ := k.State.Skip(w.registry.Now(), "m", "generate"); skip != "" {
							t.Errorf("a key is unavailable: %s", skip)
						}
					}
				}
				if got := strings.Join(marked, " "); got != tt.marked {
					t.Errorf("marked %q, want %q", got, tt.marked)
				}
			})
		})
	}
}

// TestMarkedCandidatesComeLast: of several, the one whose mark ends first is tried first.
func TestMarkedCandidatesComeLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a:k1,k2,k3", "b:k1")...)
		keys := w.channel("a").Keys
		keys[1].State.Mark(w.registry.Now(), "m")
		time.Sleep(time.Second)
		keys[0].State.Mark(w.registry.Now(), "m")
		fail := func(walk *Walk, p Pick) { walk.failKey(p, true) }
		if got := w.exhaust(w.begin("x"), fail); got != "a/k3 a/k2 a/k1 b/k1" {
			t.Errorf("keys are tried as %s", got)
		}
		for _, request := range []string{"x", "y"} {
			if got := w.send(w.begin(request), map[string]Outcome{"a": means(verdict.Suspect)}); !strings.HasSuffix(got, " b/k1") {
				t.Errorf("asked %s", got)
			}
		}
		if got := w.exhaust(w.begin("x"), failChannel); got != "b/k1 a/k3" {
			t.Errorf("with a marked channel: %s", got)
		}
	})
}

func TestTheOwnerOfAnObjectIsTriedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a:k1,k2", "b:k1,k2,k3")...)
		b := w.channel("b")
		w.registry.RememberObject("resp_1", b.State, b.Keys[1].State)
		var walk Walk
		walk.Begin(w.table.Routes[0], Request{Model: "m", Object: "resp_1"})
		if got := w.exhaust(&walk, func(walk *Walk, p Pick) { walk.failKey(p, true) }); got != "b/k2 b/k1 b/k3 a/k1 a/k2" {
			t.Errorf("asked %s", got)
		}
		walk.Begin(w.table.Routes[0], Request{Model: "m", Object: "resp_2"})
		if got := w.pick(&walk); got != "a/k1" {
			t.Errorf("an unknown object: %s", got)
		}
	})
}

func TestARequestTriesAFewKeysOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := func(name string, n int) string {
			var all []string
			for i := range n {
				all = append(all, fmt.Sprint("k", i))
			}
			return name + ":" + strings.Join(all, ",")
		}
		dead := map[string]Outcome{"a": means(verdict.InvalidKey), "b": means(verdict.InvalidKey)}
		w := inOrderOf(t, channels(keys("a", 40), keys("b", 40))...)
		got := w.send(w.begin("x"), dead)
		if a, b := strings.Count(got, "a/"), strings.Count(got, "b/"); a != 16 || b != 16 {
			t.Errorf("%d keys of the first channel were tried and %d of the last, want 16 each", a, b)
		}
		if first, _, _ := strings.Cut(got, " b/"); strings.Count(first, "a/") != 8 {
			t.Errorf("%s was tried before another channel", first)
		}
	})
}

// TestExtraAttemptsAreBounded: while all channels fail, few requests are sent to
// a second one.
func TestExtraAttemptsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a", "b", "c")...)
		for _, ch := range w.table.Channels {
			ch.State.Configure(channel.BreakerLimits{Failures: 1e6, Ratio: 2, Window: time.Minute}, false)
		}
		down := map[string]Outcome{"a": means(verdict.Overloaded), "b": means(verdict.Overloaded), "c": means(verdict.Overloaded)}
		attempts := 0
		for i := range 2000 { // 200 a second
			attempts += strings.Count(w.send(w.begin(fmt.Sprint(i)), down), " ")
			time.Sleep(5 * time.Millisecond)
		}
		if attempts > 2000*13/10 {
			t.Errorf("%d attempts for 2000 requests", attempts)
		}
		// Other keys and channels that did not fail are free.
		w = inOrderOf(t, channels("a:k1,k2", "b")...)
		w.channel("a").State.Configure(channel.BreakerLimits{Failures: 1e6, Ratio: 2, Window: time.Minute}, false)
		for i := range 200 {
			if got := w.send(w.begin(fmt.Sprint(i)), map[string]Outcome{"a": means(verdict.Overloaded)}); !strings.HasSuffix(got, " b") {
				t.Fatalf("request %d: %s", i, got)
			}
		}
	})
}

// TestOneRequestTestsWhileOthersWait: if every channel is out of service.
func TestOneRequestTestsWhileOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a", "b")...)
		w.channel("a").State.SetHealth("down", "no")
		time.Sleep(time.Second)
		w.channel("b").State.SetHealth("down", "no")
		probe, ok := w.begin("first").Next(w.registry.Now())
		if !ok || nameOf(probe) != "a" {
			t.Fatalf("the channel out longest is not tested: %v", ok)
		}
		var waiting sync.WaitGroup
		var mu sync.Mutex
		again, refused := 0, 0
		for i := range probeWaiters + 20 {
			waiting.Go(func() {
				walk := w.begin(fmt.Sprint(i))
				if _, ok := walk.Next(w.registry.Now()); ok {
					t.Error("a second request also tests")
				}
				mayRetry := walk.AwaitProbe(context.Background())
				mu.Lock()
				defer mu.Unlock()
				if mayRetry {
					again++
				} else {
					refused++
				}
			})
		}
		synctest.Wait()
		time.Sleep(time.Second)
		probe.Lease.Fail(w.registry.Now(), "502")
		waiting.Wait()
		if again != probeWaiters || refused != 20 {
			t.Errorf("%d may try again and %d not, want %d and 20", again, refused, probeWaiters)
		}
		walk := w.begin("late")
		next, ok := walk.Next(w.registry.Now())
		if !ok {
			t.Fatal("after the test, no other request tests")
		}
		other := w.begin("slow")
		if _, ok := other.Next(w.registry.Now()); ok {
			t.Error("two test at once")
		}
		start := time.Now()
		if other.AwaitProbe(context.Background()) || time.Since(start) != probeWait {
			t.Errorf("waited %s for a test without an outcome", time.Since(start))
		}
		if other.AwaitProbe(context.Background()) || time.Since(start) != probeWait {
			t.Error("a request waits twice")
		}
		next.Lease.Cancel()
		if w.begin("idle").AwaitProbe(context.Background()) {
			t.Error("waited without a test")
		}
	})
}
