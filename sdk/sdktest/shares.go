package sdktest

import (
	"testing"

	"github.com/aitunnel/aitunnel/sdk"
)

// shares applies plans as the host does, and checks which members get the requests.
func (k *kit) shares(t *testing.T) {
	const picks = 2000
	r := k.serve(t)
	all := candidates(5)
	all[3].Weight = 0
	if k.fallbacks() {
		all[2].Fallback = true
	}
	count := func(usable func(i int) bool) (map[string]int, sdk.Plan) {
		now := append([]sdk.Snapshot(nil), all...)
		ready := map[string]bool{}
		for i := range now {
			now[i].Available = usable(i)
			ready[now[i].ID] = usable(i)
		}
		p := k.sound(r, r.open(nil), question{candidates: now})
		got := map[string]int{}
		picker := newPicker()
		for range picks {
			if id, ok := picker.pick(p, func(id string) bool { return ready[id] }); ok {
				got[id]++
			}
		}
		return got, p
	}
	got, p := count(func(int) bool { return true })
	if n := got["c3"]; n > 0 {
		t.Errorf("%d of %d requests go to one of weight 0 while others can be used: give it the weight 0 in the plan, or a later group\n%s", n, picks, groups(p))
	}
	if n := got["c2"]; k.fallbacks() && n > 0 {
		t.Errorf("%d of %d requests go to a fallback while others can be used: put fallbacks into a later group\n%s", n, picks, groups(p))
	}
	if got["c0"]+got["c1"]+got["c4"] == 0 {
		t.Errorf("of %d requests none goes to any that works: name every candidate in some group\n%s", picks, groups(p))
	}
	if k.leavesOut {
		return
	}
	for i, c := range all {
		if got, p := count(func(j int) bool { return j == i }); got[c.ID] != picks {
			t.Errorf("when %s alone can be used (weight %v, fallback %v), it gets %d of %d requests\n%s", c.ID, c.Weight, c.Fallback, got[c.ID], picks, groups(p))
		}
	}
}
