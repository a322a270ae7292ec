package limit

import (
	"testing"
	"time"
)

var start = time.Unix(1_000_000, 0)

func TestRequestsPerMinute(t *testing.T) {
	l := &Limiter{}
	l.Configure(start, Rates{Requests: 60})
	var passed []time.Duration
	for now := time.Duration(0); now < 3*time.Minute; now += 10 * time.Millisecond {
		for {
			p, ok := l.Take(start.Add(now), 0)
			if !ok {
				break
			}
			p.Release()
			passed = append(passed, now)
		}
	}
	for i, from := range passed {
		n := 0
		for _, at := range passed[i:] {
			if at < from+time.Minute {
				n++
			}
		}
		if n > 70 || n < 58 && from < 2*time.Minute {
			t.Fatalf("%d requests in the minute from %s", n, from)
		}
	}
	if passed[9] != 0 || passed[10] == 0 {
		t.Errorf("a sixth of the limit may be sent at once: %v", passed[:12])
	}
}

func TestTokensPerMinute(t *testing.T) {
	l := &Limiter{}
	l.Configure(start, Rates{Tokens: 6000}) // 100 a second, 1000 at once
	if _, ok := l.Take(start, 9000); !ok {
		t.Fatal("a request over the whole limit is refused although nothing is used")
	}
	if wait, why := l.Wait(start, 1); wait < 79*time.Second || why != TokensPerMinute {
		t.Errorf("the next one waits %s for %s", wait, why)
	}
	if _, ok := l.Take(start.Add(79*time.Second), 500); ok {
		t.Error("it is admitted too early")
	}
	p, ok := l.Take(start.Add(95*time.Second), 500)
	if !ok {
		t.Fatal("it is not admitted")
	}
	now := start.Add(95 * time.Second)
	p.Correct(now, 100)
	if used := l.Usage(now).UsedTokens; used < 99 || used > 101 {
		t.Errorf("%g tokens are charged after the correction, want 100", used)
	}
	p.Undo(now)
	if used := l.Usage(now).UsedTokens; used > 1 {
		t.Errorf("%g tokens are charged after it was undone", used)
	}
}

func TestTheBoundOfConcurrentRequests(t *testing.T) {
	l := &Limiter{}
	l.Configure(start, Rates{Concurrent: 2})
	a, _ := l.Take(start, 0)
	if _, ok := l.Take(start, 0); !ok {
		t.Fatal("the second is refused")
	}
	if _, ok := l.Take(start, 0); ok {
		t.Fatal("the third is admitted")
	}
	a.Release()
	a.Release()
	if _, ok := l.Take(start, 0); !ok {
		t.Error("the permit is not free again")
	}
	if _, ok := l.Take(start, 0); ok {
		t.Error("two releases of one permit make two permits")
	}
}

func TestTheShareOfTheMostUsedBound(t *testing.T) {
	l := &Limiter{}
	if used := l.Usage(start).Share(); used != 0 {
		t.Errorf("%g of no bounds is used", used)
	}
	l.Configure(start, Rates{Requests: 60, Burst: 10, Concurrent: 4})
	first, _ := l.Take(start, 0)
	second, _ := l.Take(start, 0)
	if used := l.Usage(start).Share(); used != 0.5 { // 2 of 4 in flight, 2 of 10 requests
		t.Errorf("%g is used, want 0.5", used)
	}
	first.Release()
	second.Release()
	if used := l.Usage(start).Share(); used < 0.19 || used > 0.21 {
		t.Errorf("%g is used, want 0.2", used)
	}
	for range 20 {
		l.Take(start, 0)
	}
	if used := l.Usage(start).Share(); used != 1 {
		t.Errorf("%g is used, want 1", used)
	}
}

func TestABucketKeepsWhatIsOwedWhenItsRateChanges(t *testing.T) {
	l := &Limiter{}
	l.Configure(start, Rates{Requests: 60, Burst: 10})
	for range 10 {
		l.Take(start, 0)
	}
	l.Configure(start, Rates{Requests: 120, Burst: 12})
	if used := l.Usage(start).UsedRequests; used < 9.9 || used > 10.1 {
		t.Errorf("%g requests are charged after the change, want 10", used)
	}
}

func TestWithoutBoundsNothingIsCounted(t *testing.T) {
	l := &Limiter{}
	if p, ok := l.Take(start, 1000); !ok || p.limiter != nil {
		t.Error("a limiter without bounds refuses or counts")
	}
	if allocations := testing.AllocsPerRun(100, func() { l.Wait(start, 10) }); allocations > 0 {
		t.Errorf("%g allocations", allocations)
	}
}

// TestTheFirstRequestsOfAClientPass: however small the limit is; and no minute has more
// requests than limit and burst together.
func TestTheFirstRequestsOfAClientPass(t *testing.T) {
	for limit, first := range map[int]int{1: 1, 2: 2, 3: 3, 10: 3, 17: 3, 18: 3, 60: 10} {
		l := &Limiter{}
		l.Configure(start, Rates{Requests: limit}.ForClient())
		var passed []time.Duration
		for now := time.Duration(0); now < 3*time.Minute; now += 100 * time.Millisecond {
			for _, ok := l.Take(start.Add(now), 0); ok; _, ok = l.Take(start.Add(now), 0) {
				passed = append(passed, now)
			}
		}
		atOnce := 0
		for i, from := range passed {
			n := 0
			for _, at := range passed[i:] {
				if at < from+time.Minute {
					n++
				}
			}
			if from == 0 {
				atOnce++
			}
			if n > limit+first {
				t.Errorf("%d per minute: %d requests in the minute from %s", limit, n, from)
			}
		}
		if atOnce != first {
			t.Errorf("%d per minute: %d requests pass at once, want %d", limit, atOnce, first)
		}
	}
	if r := (Rates{Requests: 3, Burst: 1}).ForClient(); r.Burst != 1 {
		t.Errorf("a configured burst becomes %d", r.Burst)
	}
}
