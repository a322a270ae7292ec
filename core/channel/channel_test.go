package channel

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Now()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

type recorder struct {
	mu      sync.Mutex
	changes []Change
}

func (r *recorder) note(c Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes = append(r.changes, c)
}

func setup() (*clock, *recorder, *State) {
	c, r := newClock(), &recorder{}
	reg := NewRegistry(Options{Now: c.now, Seed: []byte("seed"), OnChange: r.note})
	return c, r, reg.Channel("a", "https://a.example")
}

// trip opens the breaker.
func trip(c *clock, s *State) {
	for range DefaultBreaker.Failures {
		l, _ := s.Acquire(c.now(), 0, true)
		l.Fail(c.now(), "502")
	}
}

func attempt(t *testing.T, c *clock, s *State, ok bool) {
	t.Helper()
	l, skip := s.Acquire(c.now(), 0, false)
	if skip != "" {
		t.Fatalf("not available: %s", skip)
	}
	if ok {
		l.Answered(c.now(), "", "")
		l.Succeed(c.now())
	} else {
		l.Fail(c.now(), "502")
	}
}

func TestBreakerOpensHalfOpensDoublesAndCloses(t *testing.T) {
	c, rec, s := setup()
	for range 4 {
		attempt(t, c, s, false)
	}
	attempt(t, c, s, true)
	for range 5 {
		if skip := s.Skip(c.now()); skip != "" {
			t.Fatalf("out after a success and fewer than 5 failures: %s", skip)
		}
		attempt(t, c, s, false)
	}
	if s.Skip(c.now()) != SkipBreakerOpen {
		t.Fatal("5 failures in a row did not open the breaker")
	}
	for _, pause := range []time.Duration{10, 20, 40, 80, 120, 120} {
		c.add(pause*time.Second - time.Millisecond)
		if s.Skip(c.now()) != SkipBreakerOpen {
			t.Fatalf("half-open before %ds", pause)
		}
		c.add(time.Millisecond)
		l, skip := s.Acquire(c.now(), 0, false)
		if skip != "" {
			t.Fatalf("not half-open after %ds: %s", pause, skip)
		}
		if _, skip := s.Acquire(c.now(), 0, false); skip != SkipBreakerProbing {
			t.Fatalf("a second request during the trial: %q", skip)
		}
		l.Fail(c.now(), "502")
	}
	c.add(2 * time.Minute)
	attempt(t, c, s, true)
	if s.Skip(c.now()) != "" || s.InFlight() != 0 {
		t.Fatal("a success did not close the breaker")
	}
	if n := len(rec.changes); n != 2 || !rec.changes[0].Kind.IsProblem() || rec.changes[1].Kind != ChangeInService {
		t.Fatalf("changes: %+v", rec.changes)
	}
}

func TestBreakerOpensByRatio(t *testing.T) {
	c, _, s := setup()
	for i := range 19 {
		attempt(t, c, s, i%2 == 0)
	}
	if s.Skip(c.now()) != "" {
		t.Fatal("open with 19 attempts")
	}
	attempt(t, c, s, false)
	if s.Skip(c.now()) != SkipBreakerOpen {
		t.Fatal("10 of 20 failed within the window, and the breaker is closed")
	}
	c, _, s = setup()
	for i := range 40 {
		attempt(t, c, s, i%2 == 0)
		c.add(2 * time.Second)
	}
	if s.Skip(c.now()) != "" {
		t.Fatal("open because of failures that are further apart than the window")
	}
}

func TestACanceledTrialFreesItsPlace(t *testing.T) {
	c, _, s := setup()
	trip(c, s)
	c.add(10 * time.Second)
	l, _ := s.Acquire(c.now(), 0, false)
	l.Cancel()
	if s.Skip(c.now()) != "" {
		t.Fatal("the trial still counts as in flight")
	}
}

func TestForceIgnoresTheBreakerButNotAPause(t *testing.T) {
	c, _, s := setup()
	trip(c, s)
	l, skip := s.Acquire(c.now(), 0, true)
	if skip != "" {
		t.Fatalf("force was refused: %s", skip)
	}
	l.Answered(c.now(), "", "")
	l.Succeed(c.now())
	if s.Skip(c.now()) != "" {
		t.Fatal("a forced request was answered, but the breaker is still open")
	}
	s.SetPaused(true)
	if _, skip := s.Acquire(c.now(), 0, true); skip != SkipPaused {
		t.Fatalf("force ignored a pause: %q", skip)
	}
}

func TestAFailedCheckTakesAChannelOut(t *testing.T) {
	c, rec, s := setup()
	trip(c, s)
	s.SetHealth(sdk.HealthDown, "no route to host")
	if s.Skip(c.now()) != SkipCheckFailed || s.OutSince().IsZero() {
		t.Fatal("down, but not out")
	}
	s.SetHealth(sdk.HealthUp, "")
	if s.Skip(c.now()) != "" {
		t.Fatal("a passed check closes the breaker too")
	}
	if last := rec.changes[len(rec.changes)-1]; last.Kind != ChangeInService {
		t.Fatalf("changes: %+v", rec.changes)
	}
}

// TestAGoodAnswerEndsAFailedCheck: a channel that answers a last request works,
// whatever its check says.
func TestAGoodAnswerEndsAFailedCheck(t *testing.T) {
	c, rec, s := setup()
	s.SetHealth(sdk.HealthDown, "404")
	l, _ := s.Acquire(c.now(), 0, true)
	l.Answered(c.now(), "m", "generate")
	l.Succeed(c.now())
	if skip := s.Skip(c.now()); skip != "" {
		t.Errorf("still out: %s", skip)
	}
	if last := rec.changes[len(rec.changes)-1]; last.Kind != ChangeInService {
		t.Errorf("%+v", last)
	}
	s.SetHealth(sdk.HealthDown, "404") // the next check
	if skip := s.Skip(c.now()); skip != SkipCheckFailed {
		t.Errorf("after another failed check: %q", skip)
	}
}

func TestInFlightLimit(t *testing.T) {
	c, _, s := setup()
	a, _ := s.Acquire(c.now(), 1, false)
	if _, skip := s.Acquire(c.now(), 1, false); skip != SkipFull {
		t.Fatalf("second of one: %q", skip)
	}
	a.Cancel()
	if _, skip := s.Acquire(c.now(), 1, false); skip != "" {
		t.Fatalf("after release: %q", skip)
	}
}

func TestCooldownsOfKeys(t *testing.T) {
	minutes := func(m ...int) (d []time.Duration) {
		for _, v := range m {
			d = append(d, time.Duration(v)*time.Minute)
		}
		return d
	}
	for _, tt := range []struct {
		name string
		hit  func(*Key, time.Time)
		skip Skip
		want []time.Duration
	}{
		{"limited, growing", func(k *Key, now time.Time) { k.Limit(now, "", 0, "429") }, SkipRateLimited,
			[]time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute, 10 * time.Minute}},
		{"limited, with a time", func(k *Key, now time.Time) { k.Limit(now, "", 7*time.Second, "429") }, SkipRateLimited, []time.Duration{7 * time.Second, 7 * time.Second}},
		{"limited, unreasonably long", func(k *Key, now time.Time) { k.Limit(now, "", 9000*time.Hour, "429") }, SkipRateLimited, minutes(24 * 60)},
		{"limited for a model", func(k *Key, now time.Time) { k.Limit(now, "m", 0, "429") }, SkipRateLimited, []time.Duration{30 * time.Second, time.Minute}},
		{"invalid", func(k *Key, now time.Time) { k.Invalidate(now, "", 0, "401") }, SkipInvalidKey, minutes(5, 10, 20, 40, 60, 60)},
		{"exhausted", func(k *Key, now time.Time) { k.Exhaust(now, 0, "402") }, SkipQuotaSpent, minutes(60, 60)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _, s := setup()
			k := s.Key("sk-1")
			for i, want := range tt.want {
				tt.hit(k, c.now())
				tt.hit(k, c.now()) // sent at the same time: no doubling
				skip, until := k.Skip(c.now(), "m", "")
				if got := until.Sub(c.now()); skip != tt.skip || got != want {
					t.Fatalf("cooldown %d: %q for %s, want %q for %s", i, skip, got, tt.skip, want)
				}
				c.add(want)
				if skip, _ := k.Skip(c.now(), "m", ""); skip != "" {
					t.Fatalf("cooldown %d does not end: %s", i, skip)
				}
			}
			k.Succeed(c.now(), "m", time.Millisecond)
			tt.hit(k, c.now())
			if _, until := k.Skip(c.now(), "m", ""); until.Sub(c.now()) != tt.want[0] {
				t.Fatal("a success does not reset the cooldowns")
			}
		})
	}
}

func TestALimitOfOneModelLeavesTheOthers(t *testing.T) {
	c, _, s := setup()
	k := s.Key("sk-1")
	k.Limit(c.now(), "big", 0, "429")
	if skip, _ := k.Skip(c.now(), "small", ""); skip != "" {
		t.Fatalf("small: %s", skip)
	}
	for i := range 3 * maxModels {
		k.Limit(c.now(), strings.Repeat("m", i+1), 0, "429")
	}
	if skip, _ := k.Skip(c.now(), strings.Repeat("m", 3*maxModels), ""); skip != SkipRateLimited {
		t.Errorf("the last model: %q", skip)
	}
	if n := len(k.models); n > maxModels {
		t.Fatalf("%d cooldowns kept", n)
	}
}

func TestALateSuccessDoesNotEndACooldown(t *testing.T) {
	c, _, s := setup()
	k := s.Key("sk-1")
	k.Limit(c.now(), "", 0, "429")
	k.Succeed(c.now(), "", 0)
	if skip, _ := k.Skip(c.now(), "", ""); skip != SkipRateLimited {
		t.Fatal("the answer to an earlier request ended the cooldown")
	}
	k.Invalidate(c.now(), "", 0, "401")
	k.Succeed(c.now(), "", 0)
	if skip, _ := k.Skip(c.now(), "", ""); skip != SkipRateLimited {
		t.Fatalf("a success makes a rejected key usable: %q", skip)
	}
}

func TestStatesBelongToTargetsAndKeys(t *testing.T) {
	reg := NewRegistry(Options{Seed: []byte("seed")})
	a := reg.Channel("a", "https://a.example")
	if reg.Channel("a", "https://a.example") != a {
		t.Error("the same channel has two states")
	}
	if reg.Channel("a", "https://b.example") == a {
		t.Error("a changed target keeps the state")
	}
	k := a.Key("sk-secret-1")
	if k.SetLabel("team"); a.Key("sk-secret-1") != k || k.ID() != "team" {
		t.Error("a label makes another key")
	}
	k.SetLabel("")
	if a.Key("sk-secret-2") == k {
		t.Error("two keys share a state")
	}
	if id := a.Key("sk-secret-1").ID(); !strings.HasPrefix(id, "key-") || strings.Contains(id, "secret") {
		t.Errorf("id %q", id)
	}
	if NewRegistry(Options{Seed: []byte("seed")}).Channel("a", "https://a.example").Key("sk-secret-1").ID() != k.ID() {
		t.Error("the same seed gives another id")
	}
}

func TestConcurrentUse(t *testing.T) {
	c, _, s := setup()
	k := s.Key("sk-1")
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := range 200 {
				l, skip := s.Acquire(c.now(), 8, i%3 == 0)
				if skip != "" {
					continue
				}
				test := k.Acquire(c.now(), "m")
				switch (w + i) % 5 {
				case 0:
					l.Fail(c.now(), "502")
				case 1:
					l.Block(c.now(), uint64(i), i%2 == 0, 0, "challenge")
				case 2:
					l.Cancel()
				default:
					l.Answered(c.now(), "", "")
					l.Succeed(c.now())
					k.Succeed(c.now(), "m", time.Millisecond)
				}
				k.Release("m", test)
				c.add(time.Second)
				_ = s.View(c.now())
				_ = k.View(c.now())
			}
		})
	}
	wg.Wait()
	if n := s.InFlight(); n != 0 {
		t.Fatalf("%d attempts in flight", n)
	}
	c.add(time.Hour)
	if skip := s.Skip(c.now()); skip != "" {
		t.Fatalf("not available after all attempts ended: %s", skip)
	}
}

func BenchmarkAttempt(b *testing.B) {
	reg := NewRegistry(Options{})
	s := reg.Channel("a", "t")
	k := s.Key("sk")
	b.ReportAllocs()
	for b.Loop() {
		now := time.Now()
		_ = s.Skip(now)
		l, _ := s.Acquire(now, 0, false)
		test := k.Acquire(now, "m")
		l.Answered(now, "m", "generate")
		k.Succeed(now, "m", 1)
		l.Succeed(now)
		k.Release("m", test)
	}
}
