package channel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

func block(c *clock, s *State, request uint64, certain bool) {
	l, _ := s.Acquire(c.now(), 0, true)
	l.Block(c.now(), request, certain, 0, "challenge")
}

func answer(c *clock, s *State, model, endpoint string) {
	l, _ := s.Acquire(c.now(), 0, true)
	l.Answered(c.now(), model, endpoint)
	l.Succeed(c.now())
}

func TestABlockedAddress(t *testing.T) {
	c, rec, s := setup()
	block(c, s, 1, false)
	block(c, s, 1, false) // the same request once more
	if skip := s.Skip(c.now()); skip != "" {
		t.Fatalf("one request blocks the channel: %s", skip)
	}
	block(c, s, 2, false)
	for i, want := range []time.Duration{30, 60, 120, 240, 480, 600, 600} {
		want *= time.Second
		v := s.View(c.now())
		if v.Skip != SkipBlocked || v.Until.Sub(c.now()) != want || v.Reason != "challenge" || s.OutSince().IsZero() {
			t.Fatalf("block %d: %+v, for %s, want %s", i+1, v, v.Until.Sub(c.now()), want)
		}
		if _, skip := s.Acquire(c.now(), 0, false); skip != SkipBlocked {
			t.Fatalf("a blocked channel was used: %q", skip)
		}
		block(c, s, 3, true) // sent at the same time: no doubling
		c.add(want)
		if skip := s.Skip(c.now()); skip != "" {
			t.Fatalf("block %d does not end: %s", i+1, skip)
		}
		block(c, s, 4, true)
	}
	answer(c, s, "m", "generate")
	if skip := s.Skip(c.now()); skip != "" {
		t.Errorf("a good answer does not end the block: %s", skip)
	}
	if last := rec.changes[len(rec.changes)-1]; last.Kind != ChangeInService {
		t.Errorf("%+v", last)
	}
	block(c, s, 5, true)
	if left := s.View(c.now()).Until.Sub(c.now()); left != 30*time.Second {
		t.Errorf("after a good answer a block lasts %s", left)
	}
}

// TestTheEndOfAnOutageIsAnnounced also if the first good answer comes after its time is over, for a
// blocked address, an egress that did not work, and a key.
func TestTheEndOfAnOutageIsAnnounced(t *testing.T) {
	c, rec, s := setup()
	block(c, s, 1, true)
	c.add(31 * time.Second)
	attempt(t, c, s, true)
	if last := rec.changes[len(rec.changes)-1]; len(rec.changes) != 2 || last.Kind != ChangeInService {
		t.Errorf("%+v", rec.changes)
	}
	attempt(t, c, s, true)
	if len(rec.changes) != 2 {
		t.Errorf("announced again: %+v", rec.changes)
	}
	k := s.Key("sk-one")
	k.Limit(c.now(), "", 0, "429")
	c.add(31 * time.Second)
	k.Succeed(c.now(), "m", 0)
	if last := rec.changes[len(rec.changes)-1]; last.Kind != ChangeKeyUsable {
		t.Errorf("%+v", last)
	}
}

func TestAModelThatASiteDoesNotHave(t *testing.T) {
	c, _, s := setup()
	s.DenyModel(c.now(), "big", SkipNoModel, 0, "404")
	if skip, until := s.SkipFor(c.now(), "big", "generate"); skip != SkipNoModel || until.Sub(c.now()) != 10*time.Minute {
		t.Errorf("%q for %s", skip, until.Sub(c.now()))
	}
	if skip, _ := s.SkipFor(c.now(), "small", "generate"); skip != "" {
		t.Errorf("another model: %s", skip)
	}
	answer(c, s, "small", "generate")
	if skip, _ := s.SkipFor(c.now(), "big", "generate"); skip == "" {
		t.Error("the answer for another model counts")
	}
	answer(c, s, "big", "generate")
	if skip, _ := s.SkipFor(c.now(), "big", "generate"); skip != "" {
		t.Errorf("after a good answer: %s", skip)
	}
	s.DenyModel(c.now(), "", SkipRateLimited, time.Minute, "429 for all")
	if skip, _ := s.SkipFor(c.now(), "big", "generate"); skip != SkipRateLimited {
		t.Errorf("a limit of the whole channel: %q", skip)
	}
	c.add(time.Minute)
	if skip, _ := s.SkipFor(c.now(), "big", "generate"); skip != "" {
		t.Errorf("the limit does not end: %s", skip)
	}
	for i := range 3 * maxModels {
		s.DenyModel(c.now(), fmt.Sprint("model-", i), SkipNoModel, 0, "404")
	}
	if n := len(s.models); n > maxModels {
		t.Errorf("%d models are remembered", n)
	}
}

func TestAnEndpointThatASiteDoesNotHave(t *testing.T) {
	c, _, s := setup()
	s.DenyEndpoint(c.now(), "files", false, 0, "404")
	if skip, _ := s.SkipFor(c.now(), "m", "files"); skip != "" {
		t.Fatalf("after one request: %s", skip)
	}
	answer(c, s, "m", "files")
	s.DenyEndpoint(c.now(), "files", false, 0, "404")
	if skip, _ := s.SkipFor(c.now(), "m", "files"); skip != "" {
		t.Fatalf("two requests with a good answer in between: %s", skip)
	}
	s.DenyEndpoint(c.now(), "files", false, 0, "404")
	if skip, until := s.SkipFor(c.now(), "m", "files"); skip != SkipNoEndpoint || until.Sub(c.now()) != 10*time.Minute {
		t.Errorf("after two requests: %q for %s", skip, until.Sub(c.now()))
	}
	if skip, _ := s.SkipFor(c.now(), "m", "generate"); skip != "" {
		t.Errorf("another endpoint: %s", skip)
	}
	s.DenyEndpoint(c.now(), "rerank", true, 0, "501")
	if skip, _ := s.SkipFor(c.now(), "m", "rerank"); skip != SkipNoEndpoint {
		t.Errorf("a certain answer: %q", skip)
	}
}

func TestAKeyWithoutAccessToAModel(t *testing.T) {
	c, _, s := setup()
	k := s.Key("sk-1")
	k.DenyModel(c.now(), "big", 0, "403")
	if skip, until := k.Skip(c.now(), "big", ""); skip != SkipNoAccess || until.Sub(c.now()) != time.Hour {
		t.Errorf("%q for %s", skip, until.Sub(c.now()))
	}
	if skip, _ := k.Skip(c.now(), "small", ""); skip != "" {
		t.Errorf("another model: %s", skip)
	}
	if v := k.View(c.now()); v.State() != KeyReady {
		t.Errorf("the key is shown as %s", v.State())
	}
	k.Succeed(c.now(), "odd", 0)
	k.Mark(c.now(), "odd")
	s.DenyEndpoint(c.now(), "files", true, 0, "404")
	s.DenyModel(c.now(), "none", SkipNoModel, 0, "no such model")
	got := fmt.Sprint(k.Restrictions(c.now()), s.Restrictions(c.now()))
	for _, want := range []string{"{big  no_access 403 ", "{odd  suspect  ", "{none  no_model no such model ", "{ files no_endpoint 404 "} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
	c.add(time.Hour)
	if got := append(k.Restrictions(c.now()), s.Restrictions(c.now())...); len(got) > 0 {
		t.Errorf("an hour later: %v", got)
	}
}

func TestMarksLastLongerEachTime(t *testing.T) {
	c, rec, s := setup()
	k := s.Key("sk-1")
	for i, want := range []time.Duration{2, 8, 32, 60, 60} {
		want *= time.Minute
		k.Mark(c.now(), "m")
		k.Mark(c.now(), "m") // by a request sent at the same time
		until, deferred := k.Deferred(c.now(), "m", "")
		if !deferred || until.Sub(c.now()) != want {
			t.Fatalf("mark %d: %v for %s, want %s", i+1, deferred, until.Sub(c.now()), want)
		}
		if skip, _ := k.Skip(c.now(), "m", ""); skip != "" {
			t.Fatalf("a marked key is skipped: %s", skip)
		}
		if v := k.View(c.now()); v.State() != KeySuspect {
			t.Fatalf("shown as %s", v.State())
		}
		c.add(want)
		if _, deferred := k.Deferred(c.now(), "m", ""); deferred {
			t.Fatalf("mark %d does not end", i+1)
		}
		if !k.Acquire(c.now(), "m") {
			t.Fatal("the first request after a mark is not a test")
		}
		if _, deferred := k.Deferred(c.now(), "m", ""); !deferred {
			t.Fatal("a second request may use the key while one tests it")
		}
		k.Release("m", true)
		if _, deferred := k.Deferred(c.now(), "m", ""); deferred {
			t.Fatal("a test without a result defers the key forever")
		}
	}
	k.Succeed(c.now(), "m", time.Millisecond)
	k.Mark(c.now(), "m")
	if until, _ := k.Deferred(c.now(), "m", ""); until.Sub(c.now()) != 2*time.Minute {
		t.Errorf("after a good answer a mark lasts %s", until.Sub(c.now()))
	}
	if rec.changes[0].Kind != ChangeKeySuspect {
		t.Errorf("%+v", rec.changes[0])
	}
}

func TestMarksApplyToAModelOrToAll(t *testing.T) {
	deferred := func(c *clock, k *Key, model string) bool { _, d := k.Deferred(c.now(), model, ""); return d }
	c, _, s := setup()
	k := s.Key("never good")
	k.Mark(c.now(), "a")
	if !deferred(c, k, "a") || !deferred(c, k, "b") {
		t.Error("a key without a good answer is not marked for all models")
	}
	k = s.Key("good")
	k.Succeed(c.now(), "b", time.Millisecond)
	k.Mark(c.now(), "a")
	if !deferred(c, k, "a") || deferred(c, k, "b") {
		t.Error("a key with good answers is not marked for the model only")
	}
	k.Mark(c.now(), "c")
	if !deferred(c, k, "b") {
		t.Error("a key marked for a second model is not marked for all models")
	}
	k.Succeed(c.now(), "a", time.Millisecond)
	if deferred(c, k, "a") || deferred(c, k, "b") {
		t.Error("a good answer does not clear the marks of the key and the model")
	}
}

func TestRefusalsOfTheOnlyKey(t *testing.T) {
	c, rec, s := setup()
	k := s.Key("sk-1")
	for _, request := range []uint64{1, 1, 2, 2} {
		k.CountRefusal(c.now(), request)
	}
	if v := k.View(c.now()); v.State() != KeyReady {
		t.Fatalf("after two requests: %s", v.State())
	}
	k.CountRefusal(c.now(), 3)
	k.CountRefusal(c.now(), 4)
	if v := k.View(c.now()); v.State() != KeySuspect || v.Skip != "" {
		t.Errorf("after three requests: %s", v.State())
	}
	if _, deferred := k.Deferred(c.now(), "m", ""); deferred || len(rec.changes) != 1 || rec.changes[0].Kind != ChangeKeySuspect {
		t.Errorf("deferred %v, changes %+v", deferred, rec.changes)
	}
	k.Succeed(c.now(), "m", time.Millisecond)
	if v := k.View(c.now()); v.State() != KeyReady {
		t.Errorf("after a good answer: %s", v.State())
	}
}

func TestAChannelThatRefusesWhatOthersAnswer(t *testing.T) {
	c, _, s := setup()
	marked := func() bool { _, d := s.Deferred(c.now(), "m"); return d }
	s.CountModelRefusal(c.now(), "m", 1)
	s.CountModelRefusal(c.now(), "m", 1)
	if marked() {
		t.Fatal("marked by one request")
	}
	answer(c, s, "m", "generate")
	s.CountModelRefusal(c.now(), "m", 2)
	if marked() {
		t.Fatal("marked although there was a good answer in between")
	}
	c.add(31 * time.Minute)
	s.CountModelRefusal(c.now(), "m", 3)
	if marked() {
		t.Fatal("marked by requests further apart than half an hour")
	}
	s.CountModelRefusal(c.now(), "m", 4)
	if !marked() {
		t.Fatal("not marked by the second request")
	}
	c.add(2 * time.Minute)
	l, _ := s.Acquire(c.now(), 0, false)
	l.TestModel(c.now(), "m")
	if !marked() {
		t.Fatal("a second request may use the channel while one tests it")
	}
	l.Cancel()
	if marked() {
		t.Fatal("a test without a result defers the channel forever")
	}
}

func TestBudgetOfExtraAttempts(t *testing.T) {
	c, _, s := setup()
	r := s.registry
	extra := func() (n int) {
		for r.AllowExtra(c.now(), 0.2, true) {
			n++
		}
		return n
	}
	if n := extra(); n != 30 {
		t.Errorf("%d extra attempts without requests, want 3 a second for 10 seconds", n)
	}
	for range 1000 {
		r.CountRequest(c.now())
	}
	if n := extra(); n != 200-30 {
		t.Errorf("%d more extra attempts for 1000 requests, want 170", n)
	}
	c.add(9 * time.Second)
	if n := extra(); n != 0 {
		t.Errorf("%d extra attempts within 10 seconds", n)
	}
	c.add(2 * time.Second)
	if n := extra(); n != 30 {
		t.Errorf("%d extra attempts after the window", n)
	}
	c.add(time.Hour)
	if !r.AllowExtra(c.now(), 0.2, false) {
		t.Error("none after an hour")
	}
}

func TestResumeClearsRestrictionsOfAChannelThatIsNotPaused(t *testing.T) {
	c, rec, s := setup()
	key := s.Key("k")
	trip(c, s)
	s.SetHealth(sdk.HealthDown, "no")
	s.DenyEndpoint(c.now(), "/v1/messages", true, 0, "404")
	s.DenyModel(c.now(), "m", SkipNoModel, 0, "404")
	key.Invalidate(c.now(), "", 0, "401")
	s.Resume()
	if skip := s.Skip(c.now()); skip != "" {
		t.Errorf("the channel is skipped: %s", skip)
	}
	if all := s.Restrictions(c.now()); len(all) != 0 {
		t.Errorf("restrictions are left: %v", all)
	}
	if skip, _ := key.Skip(c.now(), "m", ""); skip != "" {
		t.Errorf("the key is skipped: %s", skip)
	}
	if last := rec.changes[len(rec.changes)-1]; last.Kind != ChangeInService {
		t.Errorf("the last change is %+v", last)
	}
}

func TestATrialIgnoresAPauseButNotALimit(t *testing.T) {
	c, _, s := setup()
	s.SetPaused(true)
	l, skip := s.AcquireTrial(c.now(), 1)
	if skip != "" {
		t.Fatalf("a trial was refused: %s", skip)
	}
	if _, skip := s.AcquireTrial(c.now(), 1); skip != SkipFull {
		t.Errorf("a second one: %q, want %q", skip, SkipFull)
	}
	l.Cancel()
}
