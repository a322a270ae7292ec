package route

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/aitunnel/aitunnel/sdk"
)

// field is a view of candidates whose state a test sets.
type field struct {
	out   map[int]bool
	loads map[int]int
	attr  string
}

func (f *field) available(i int) bool { return !f.out[i] }
func (f *field) load(i int) int       { return f.loads[i] }
func (f *field) hashOf([]string) (uint64, bool) {
	return hashString(f.attr), f.attr != ""
}

func groupOf(rule sdk.RuleKind, weights ...float64) *group {
	g := &group{rule: sdk.Rule{Kind: rule, Hash: []string{"header.x"}}}
	for i, w := range weights {
		g.members = append(g.members, member{index: i, weight: w, hash: hashString(fmt.Sprint("channel-", i))})
	}
	return g
}

func equal(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 1
	}
	return w
}

func count(t *testing.T, turns *turns, g *group, v view, picks int) []int {
	t.Helper()
	got := make([]int, len(g.members))
	for range picks {
		i, ok := turns.choose(g, v)
		if !ok {
			t.Fatal("nothing picked")
		}
		got[i]++
	}
	return got
}

// chiSquare compares the counts with expected shares. 30 is above the 99.999th percentile
// for up to 5 degrees of freedom.
func chiSquare(t *testing.T, got []int, weights []float64) {
	t.Helper()
	var n, sum, total float64
	for i := range got {
		n += float64(got[i])
		total += weights[i]
	}
	for i := range got {
		expected := n * weights[i] / total
		if expected == 0 {
			if got[i] != 0 {
				t.Errorf("member %d of weight 0 was picked %d times", i, got[i])
			}
			continue
		}
		sum += math.Pow(float64(got[i])-expected, 2) / expected
	}
	if sum > 30 {
		t.Errorf("counts %v for weights %v: chi-square %.1f", got, weights, sum)
	}
}

func TestCycleIsExactUnderManyWorkers(t *testing.T) {
	turns, g, v := newTurns(5), groupOf(sdk.RuleCycle, equal(5)...), &field{}
	counts := make([][]int, 64)
	var wg sync.WaitGroup
	for w := range counts {
		wg.Go(func() { counts[w] = count(t, turns, g, v, 500) })
	}
	wg.Wait()
	for i := range 5 {
		n := 0
		for _, c := range counts {
			n += c[i]
		}
		if n != 64*500/5 {
			t.Errorf("member %d was picked %d times, want %d", i, n, 64*500/5)
		}
	}
}

func TestASkippedMembersShareGoesToAllOthers(t *testing.T) {
	for _, rule := range []sdk.RuleKind{sdk.RuleCycle, sdk.RuleSmoothWRR, sdk.RuleLeastLoad} {
		turns, g, v := newTurns(4), groupOf(rule, equal(4)...), &field{out: map[int]bool{1: true}}
		if got := count(t, turns, g, v, 300); got[0] != 100 || got[2] != 100 || got[3] != 100 {
			t.Errorf("%s: %v", rule, got)
		}
	}
	// A member that is available to every second request only.
	turns, g := newTurns(4), groupOf(sdk.RuleCycle, equal(4)...)
	got := make([]int, 4)
	for i := range 4000 {
		j, _ := turns.choose(g, &field{out: map[int]bool{1: i%2 == 0}})
		got[j]++
	}
	for i, n := range got {
		if n < 950 || n > 1050 {
			t.Errorf("cycle with a member that half the requests cannot use: member %d was picked %d times of 4000", i, n)
		}
	}
}

func TestSmoothWRRIsExactAndSmooth(t *testing.T) {
	turns, g, v := newTurns(3), groupOf(sdk.RuleSmoothWRR, 5, 1, 1), &field{}
	if got := count(t, turns, g, v, 700); got[0] != 500 || got[1] != 100 || got[2] != 100 {
		t.Errorf("shares %v", got)
	}
	run, longest := 0, 0
	for range 70 {
		if i, _ := turns.choose(g, v); i == 0 {
			run++
		} else {
			run = 0
		}
		longest = max(longest, run)
	}
	if longest > 4 {
		t.Errorf("the heavy member was picked %d times in a row", longest)
	}
}

func TestRandomRulesFollowWeights(t *testing.T) {
	weights := []float64{10, 5, 2, 0, 1}
	chiSquare(t, count(t, newTurns(5), groupOf(sdk.RuleWeightedRandom, weights...), &field{}, 20000), weights)
	chiSquare(t, count(t, newTurns(5), groupOf(sdk.RuleP2C, equal(5)...), &field{}, 20000), equal(5))
	weights = []float64{1, 2, 3, 4, 5}
	got := make([]int, 5)
	g := groupOf(sdk.RuleHash, weights...)
	for i := range 20000 {
		j, _ := newTurns(5).choose(g, &field{attr: fmt.Sprint("session-", i)})
		got[j]++
	}
	chiSquare(t, got, weights)
}

func TestWeightZeroIsTheLastResort(t *testing.T) {
	for _, rule := range []sdk.RuleKind{sdk.RuleSmoothWRR, sdk.RuleWeightedRandom, sdk.RuleLeastLoad} {
		g, v := groupOf(rule, 0, 1), &field{out: map[int]bool{}}
		if i, _ := newTurns(2).choose(g, v); i != 1 {
			t.Errorf("%s: picked weight 0 before weight 1", rule)
		}
		v.out[1] = true
		if i, ok := newTurns(2).choose(g, v); !ok || i != 0 {
			t.Errorf("%s: weight 0 is not picked when it is the last", rule)
		}
	}
}

func TestLoadRules(t *testing.T) {
	v := &field{loads: map[int]int{0: 3, 1: 1, 2: 5}}
	if i, _ := newTurns(3).choose(groupOf(sdk.RuleLeastLoad, 1, 1, 1), v); i != 1 {
		t.Errorf("least_load picked %d", i)
	}
	if i, _ := newTurns(3).choose(groupOf(sdk.RuleLeastLoad, 10, 1, 1), v); i != 0 {
		t.Errorf("least_load with weights picked %d", i)
	}
	for range 200 {
		if i, _ := newTurns(3).choose(groupOf(sdk.RuleP2C, 1, 1, 1), v); i == 2 {
			t.Fatal("p2c picked the most loaded of three")
		}
	}
	g := groupOf(sdk.RuleOrder, 1, 1, 1)
	g.members[0].max = 3
	if i, _ := newTurns(3).choose(g, v); i != 1 {
		t.Errorf("a full member was picked: %d", i)
	}
}

func TestHashKeepsSessionsInPlace(t *testing.T) {
	const sessions = 10000
	g, turns := groupOf(sdk.RuleHash, equal(10)...), newTurns(10)
	before := make([]int, sessions)
	for s := range before {
		before[s], _ = turns.choose(g, &field{attr: fmt.Sprint("session-", s)})
	}
	moved, failedOver := 0, map[int]int{}
	for s := range before {
		now, ok := turns.choose(g, &field{attr: fmt.Sprint("session-", s), out: map[int]bool{4: true}})
		switch {
		case !ok || now == 4:
			t.Fatal("a session is still on the unavailable member")
		case before[s] == 4:
			failedOver[now]++
		case now != before[s]:
			moved++
		}
	}
	if moved > 0 {
		t.Errorf("%d of %d sessions of other members moved", moved, sessions)
	}
	if len(failedOver) != 9 {
		t.Errorf("the sessions of the unavailable member moved to only %d others", len(failedOver))
	}
	if i, ok := turns.choose(g, &field{}); !ok || i < 0 {
		t.Error("a request without the attribute is not spread by load")
	}
}

func TestRulesWithoutAUsableMember(t *testing.T) {
	out := &field{out: map[int]bool{0: true, 1: true}, attr: "a"}
	for _, rule := range []sdk.RuleKind{sdk.RuleOrder, sdk.RuleCycle, sdk.RuleSmoothWRR, sdk.RuleWeightedRandom, sdk.RuleLeastLoad, sdk.RuleP2C, sdk.RuleHash} {
		if i, ok := newTurns(2).choose(groupOf(rule, 1, 1), out); ok {
			t.Errorf("%s picked %d", rule, i)
		}
		if _, ok := newTurns(0).choose(groupOf(rule), &field{}); ok {
			t.Errorf("%s picked from nothing", rule)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	for _, rule := range []sdk.RuleKind{sdk.RuleOrder, sdk.RuleCycle, sdk.RuleSmoothWRR, sdk.RuleWeightedRandom, sdk.RuleLeastLoad, sdk.RuleP2C, sdk.RuleHash} {
		b.Run(string(rule), func(b *testing.B) {
			turns, g, v := newTurns(8), groupOf(rule, 1, 2, 3, 4, 5, 6, 7, 8), &field{loads: map[int]int{}, attr: fmt.Sprint(rand.Int())}
			b.ReportAllocs()
			for b.Loop() {
				turns.choose(g, v)
			}
		})
	}
}
