package limit

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// finish is the end of a request, in simulated time.
type finish struct {
	at      time.Time
	permit  *Permit
	refused bool
	took    time.Duration
}

type finishes []finish

func (f finishes) Len() int           { return len(f) }
func (f finishes) Less(i, j int) bool { return f[i].at.Before(f[j].at) }
func (f finishes) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *finishes) Push(x any)        { *f = append(*f, x.(finish)) }
func (f *finishes) Pop() any {
	last := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return last
}

// simulation is a site with a hidden limit of requests at once, and callers that always
// send another one.
type simulation struct {
	hidden  int
	refuses bool // otherwise it makes requests over its limit wait
	service time.Duration

	sent, lost int
	most       []int // allowed in flight, each second
}

func (s *simulation) run(length time.Duration) {
	random := rand.New(rand.NewPCG(1, uint64(s.hidden)))
	now := time.Unix(1000, 0)
	end, tick := now.Add(length), now.Add(time.Second)
	l := &Limiter{}
	l.Configure(now, Rates{Auto: true})
	var under finishes
	atSite := 0
	for now.Before(end) {
		for {
			p, ok := l.Take(now, 0)
			if !ok {
				break
			}
			s.sent++
			took := time.Duration(float64(s.service) * (0.5 + random.Float64()))
			f := finish{permit: &p, took: took}
			switch {
			case atSite < s.hidden:
			case s.refuses:
				f.refused, f.took = true, 50*time.Millisecond
			default:
				f.took = took * time.Duration(atSite+1) / time.Duration(s.hidden)
			}
			f.at = now.Add(f.took)
			if !f.refused {
				atSite++
			}
			heap.Push(&under, f)
		}
		f := heap.Pop(&under).(finish)
		now = f.at
		if f.refused {
			s.lost++
			f.permit.Refused()
		} else {
			atSite--
			f.permit.Answered(f.took)
		}
		f.permit.Release()
		for ; !tick.After(now); tick = tick.Add(time.Second) {
			s.most = append(s.most, l.Usage(now).MaxInFlight)
		}
	}
}

// The hidden limit of a site is found within a minute, with few refusals.
func TestAdaptiveConcurrencyFindsTheHiddenLimit(t *testing.T) {
	for _, hidden := range []int{1, 5, 50} {
		for _, service := range []time.Duration{300 * time.Millisecond, time.Second} {
			t.Run(fmt.Sprintf("%d/%s", hidden, service), func(t *testing.T) {
				s := &simulation{hidden: hidden, refuses: true, service: service}
				s.run(5 * time.Minute)
				for second, most := range s.most {
					if second >= 60 && (most < min(hidden, max(1, hidden*8/10)) || most > hidden+1) {
						t.Fatalf("after %d s %d are allowed, the site accepts %d", second, most, hidden)
					}
				}
				if share := float64(s.lost) / float64(s.sent); share >= 0.02 {
					t.Errorf("%d of %d requests were refused, %.1f %%", s.lost, s.sent, 100*share)
				}
				minute := &simulation{hidden: hidden, refuses: true, service: service}
				minute.run(time.Minute)
				if share := float64(minute.lost) / float64(minute.sent); share >= 0.02 {
					t.Errorf("in the first minute %d of %d requests were refused, %.1f %%", minute.lost, minute.sent, 100*share)
				}
			})
		}
	}
}

// The limit does not keep rising for a site that gets slow instead of refusing requests.
func TestAdaptiveConcurrencyFollowsLatency(t *testing.T) {
	s := &simulation{hidden: 5, service: 300 * time.Millisecond}
	s.run(3 * time.Minute)
	for _, most := range s.most[60:] {
		if most > 25 {
			t.Fatalf("%d are allowed at a site that accepts 5 at once", most)
		}
	}
}

// A refusal of a request that is alone does not lower the limit.
func TestARefusalOfASingleRequestKeepsTheLimit(t *testing.T) {
	l := &Limiter{}
	now := time.Unix(1000, 0)
	l.Configure(now, Rates{Auto: true})
	p, ok := l.Take(now, 0)
	if !ok || p.Refused() {
		t.Error("the refusal of a request that is alone lowers the limit")
	}
}

// TestTheRefusedNumberIsTriedLessAndLessOften: the site accepts five requests at once.
func TestTheRefusedNumberIsTriedLessAndLessOften(t *testing.T) {
	const takes = 5
	var a adaptive
	refusals := 0
	for range 20_000 {
		if n := a.most(); n > takes {
			refusals++
			a.refused(n, n)
		} else {
			a.answered(n, 100*time.Millisecond)
		}
	}
	if refusals > 20 || a.most() != takes {
		t.Errorf("%d refusals in 20,000 requests; the limit is %d", refusals, a.most())
	}
}
