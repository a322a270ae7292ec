package channel

import (
	"testing"
	"time"
)

func TestAChannelThatAnswersNothing(t *testing.T) {
	c, rec, s := setup()
	var waiting []Lease
	send := func(n int) {
		for range n {
			l, _ := s.Acquire(c.now(), 0, true)
			waiting = append(waiting, l)
		}
	}
	c.add(time.Hour)
	send(stallRequests + 1) // a burst after a long silence
	c.add(stallTime)
	waiting[0].Answered(c.now(), "m", "generate")
	waiting[0].Succeed(c.now())
	waiting = waiting[1:]
	c.add(time.Second)
	send(10)
	if skip := s.Skip(c.now()); skip != "" {
		t.Fatalf("out of service although it answers: %s", skip)
	}
	c.add(stallTime)
	send(1)
	if skip := s.Skip(c.now()); skip != SkipBreakerOpen || !s.FailedRecently(c.now(), time.Second) {
		t.Fatalf("%d requests wait for %s: %q", len(waiting), stallTime, skip)
	}
	if len(rec.changes) != 1 || rec.changes[0].Kind != ChangeOutOfService {
		t.Errorf("%+v", rec.changes)
	}
	for i := range waiting {
		waiting[i].Cancel()
	}
	if n, m := s.waiting.Load(), s.InFlight(); n != 0 || m != 0 {
		t.Errorf("%d wait, %d are in flight", n, m)
	}
	answer(c, s, "m", "generate")
	send(stallRequests)
	c.add(time.Hour)
	send(1)
	if skip := s.Skip(c.now()); skip != "" {
		t.Errorf("out at once: %s", skip)
	}
}
