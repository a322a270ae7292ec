package sdktest

import (
	"bytes"
	"testing"

	"github.com/aitunnel/aitunnel/sdk"
)

// state checks that a new instance continues where the last one ended, as after a restart or
// an upgrade, and that it accepts a State that it cannot read.
func (k *kit) state(t *testing.T) {
	r := k.serve(t)
	old := r.open(nil)
	w := newWorld(4)
	var p sdk.Plan
	for range 20 {
		p = k.sound(r, old, w.question(p.State))
		w.use(p, 50)
	}
	p = k.sound(r, old, w.question(p.State))
	k.foreignStates(t, r, p.State)
	if len(p.State) == 0 {
		return
	}
	next := w.question(p.State)
	was := k.sound(r, old, next)
	if !same(was, k.sound(r, old, next)) {
		t.Log("it plans differently each time it is asked the same, so nothing can be said about what it restores")
		return
	}
	r.close(old)
	if is := k.sound(r, r.open(nil), next); !same(was, is) {
		t.Errorf("a new instance does not go on from the State that the last one gave out: keep all that it learns in Plan.State\nthe last one's plan %s\nthe new one's plan  %s", groups(was), groups(is))
	}
}

// foreignStates checks States of another version, of other members, and damaged ones. If
// Plan failed because of them, the host would keep the last plan forever.
func (k *kit) foreignStates(t *testing.T, r *rig, own []byte) {
	states := map[string][]byte{
		"rubbish": {0xff, 0x00, 0x7b}, "an empty object": []byte(`{}`), "a list": []byte(`[1,"a",null]`), "null": []byte("null"),
		"a text": []byte(`"state"`), "a number": []byte("1e999"), "64 KiB of zeros": make([]byte, maxState),
		"that of a later version": []byte(`{"version":99,"channels":{"c0":7},"sites":[{"id":"c0"}]}`),
	}
	if len(own) > 1 {
		states["half of its own"] = own[:len(own)/2]
		states["its own, twice"] = bytes.Repeat(own, 2)
	}
	for name, state := range states {
		c := r.open(nil)
		q := question{candidates: candidates(3), state: state}
		if _, err := k.plan(c, q); err != nil {
			t.Errorf("a State that it cannot read (%s) must be as good as none: begin again without it: %v", name, err)
		}
		r.close(c)
	}
	if len(own) > 0 {
		other := candidates(8)[5:]
		if _, err := k.plan(r.open(nil), question{candidates: other, state: own}); err != nil {
			t.Errorf("with the State of other %s: %v", k.noun(), err)
		}
	}
}
