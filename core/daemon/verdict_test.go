package daemon_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

const (
	p1, p2, b1 = "key-primary-1", "key-primary-2", "key-backup-1"
	ask        = `{"model":"gpt-x","messages":[]}`
	askStream  = `{"model":"gpt-x","stream":true,"messages":[]}`
	quickRetry = "retry {\n base_delay = \"20ms\"\n max_delay = \"200ms\"\n}\n"
)

// TestVerdicts holds every row of the verdict table: what each site saw, in
// order, and what the caller got.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	errorEvent := fakesite.ErrorEvent(`{"error":{"message":"slow down","type":"rate_limit_error"}}`)
	overloaded := fakesite.ErrorEvent(`{"error":{"message":"no capacity","type":"server_error"}}`)
	for _, tt := range []struct {
		name    string
		script  []fakesite.Behaviour // of primary
		body    string
		primary []string
		backup  []string
		status  int
		keys    [2]string // states of primary's keys afterwards
		out     string    // why primary is passed over afterwards
	}{
		{name: "an answer", primary: []string{p1}, status: 200},
		{name: "reset before an answer", script: []fakesite.Behaviour{fakesite.Reset()}, primary: []string{p1}, backup: []string{b1}, status: 200},
		{name: "no first byte in time", script: []fakesite.Behaviour{fakesite.HangBeforeHeaders()}, primary: []string{p1}, backup: []string{b1}, status: 200},
		{name: "502", script: []fakesite.Behaviour{fakesite.Status(502, "{}")}, primary: []string{p1}, backup: []string{b1}, status: 200},
		{name: "503", script: []fakesite.Behaviour{fakesite.Status(503, "{}")}, primary: []string{p1}, backup: []string{b1}, status: 200},
		{name: "504", script: []fakesite.Behaviour{fakesite.Status(504, "{}")}, primary: []string{p1}, backup: []string{b1}, status: 200},
		{name: "521", script: []fakesite.Behaviour{fakesite.Status(521, "{}")}, primary: []string{p1}, backup: []string{b1}, status: 200},
		{name: "529", script: []fakesite.Behaviour{fakesite.Status(529, "{}")}, primary: []string{p1}, backup: []string{b1}, status: 200},
		{name: "500", script: []fakesite.Behaviour{fakesite.Status(500, "{}")}, primary: []string{p1}, backup: []string{b1}, status: 200},
		{name: "429, the other key", script: []fakesite.Behaviour{fakesite.RateLimited(0)}, primary: []string{p1, p2}, status: 200, keys: [2]string{"rate_limited", ""}},
		{name: "429 on both keys, the backup", script: []fakesite.Behaviour{fakesite.RateLimited(time.Hour), fakesite.RateLimited(time.Hour)}, primary: []string{p1, p2}, backup: []string{b1}, status: 200, keys: [2]string{"rate_limited", "rate_limited"}},
		{name: "429 for one model", script: []fakesite.Behaviour{fakesite.Status(429, `{"error":{"message":"Rate limit reached for gpt-x"}}`)}, primary: []string{p1, p2}, status: 200},
		{name: "401", script: []fakesite.Behaviour{fakesite.Unauthorized()}, primary: []string{p1, p2}, status: 200, keys: [2]string{"invalid_key", ""}},
		{name: "403 that says nothing, the other key answers", script: []fakesite.Behaviour{fakesite.Status(403, `{"error":{"message":"no"}}`)}, primary: []string{p1, p2}, status: 200, keys: [2]string{"suspect", ""}},
		{name: "402", script: []fakesite.Behaviour{fakesite.Status(402, `{}`)}, primary: []string{p1, p2}, status: 200, keys: [2]string{"quota_spent", ""}},
		{name: "429 out of quota", script: []fakesite.Behaviour{fakesite.OutOfQuota()}, primary: []string{p1, p2}, status: 200, keys: [2]string{"quota_spent", ""}},
		{name: "challenge page", script: []fakesite.Behaviour{fakesite.Challenge()}, primary: []string{p1}, backup: []string{b1}, status: 200, out: "blocked"},
		{name: "challenge page as 503", script: []fakesite.Behaviour{fakesite.ChallengeHTML503()}, primary: []string{p1}, backup: []string{b1}, status: 200, out: "blocked"},
		{name: "empty 200", script: []fakesite.Behaviour{fakesite.EmptyOK()}, primary: []string{p1}, backup: []string{b1}, status: 200},
		{name: "empty stream", script: []fakesite.Behaviour{fakesite.EmptyStream()}, body: askStream, primary: []string{p1}, backup: []string{b1}, status: 200},
		{name: "a stream that begins with a rate limit", script: []fakesite.Behaviour{errorEvent}, body: askStream, primary: []string{p1, p2}, status: 200, keys: [2]string{"rate_limited", ""}},
		{name: "a stream that begins with an error", script: []fakesite.Behaviour{overloaded}, body: askStream, primary: []string{p1}, backup: []string{b1}, status: 200},
		{name: "a stream that hangs before its first event", script: []fakesite.Behaviour{fakesite.HangAfterEvents(0)}, body: askStream, primary: []string{p1}, backup: []string{b1}, status: 200},
		{name: "400 is the request's fault", script: []fakesite.Behaviour{fakesite.Status(400, `{"error":{"message":"bad"}}`)}, primary: []string{p1}, status: 400},
		{name: "404 of a site without the endpoint", script: []fakesite.Behaviour{fakesite.Status(404, `{}`)}, primary: []string{p1}, backup: []string{b1}, status: 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			primary, backup := site(t, "primary", fakesite.Keys(p1, p2)), site(t, "backup", fakesite.Keys(b1))
			r := start(t, two(primary, backup, quickRetry))
			primary.Next(tt.script...)
			body := tt.body
			if body == "" {
				body = ask
			}
			got := r.post(chat, body, "Authorization", "Bearer callers-own-key")
			if got.status != tt.status || got.err != nil {
				t.Fatalf("the caller got %d %q %v, want %d", got.status, got.body, got.err, tt.status)
			}
			if s := seen(primary); !slices.Equal(s, tt.primary) {
				t.Errorf("primary saw %v, want %v", s, tt.primary)
			}
			if s := seen(backup); !slices.Equal(s, tt.backup) {
				t.Errorf("backup saw %v, want %v", s, tt.backup)
			}
			c := r.channel("primary")
			if c.Out != tt.out {
				t.Errorf("primary is out: %q, want %q", c.Out, tt.out)
			}
			for i, want := range tt.keys {
				if want == "" {
					want = "ready"
				}
				if c.Keys.List[i].State != want {
					t.Errorf("key %d is %q, want %q", i+1, c.Keys.List[i].State, want)
				}
			}
			if last := r.lastRequest(); len(last.Attempts) != len(tt.primary)+len(tt.backup) {
				t.Errorf("recorded attempts: %+v", last.Attempts)
			}
		})
	}
}

func alone(s *fakesite.Site, more string) string {
	return fmt.Sprintf("channel \"only\" {\n target = %q\n keys = [%q]\n}\n%s", s.URL(), p1, more)
}

// TestARuleTakesEffectOnSave: three lines in the file of a program that runs.
func TestARuleTakesEffectOnSave(t *testing.T) {
	t.Parallel()
	odd, backup := site(t, "odd"), site(t, "backup")
	odd.Always(fakesite.Status(400, `{"error":{"message":"The stars are not right, come again"}}`))
	text := fmt.Sprintf("channel \"odd\" {\n target = %q\n auth = \"none\"\n weight = 2\n}\nchannel \"backup\" {\n target = %q\n auth = \"none\"\n}\n", odd.URL(), backup.URL())
	r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}}
	r.save(complete(text))
	r.run()
	if got := r.post(chat, ask); got.status != 400 {
		t.Fatalf("without the rule: %d %s", got.status, got.body)
	}
	r.save(complete(text + "verdict \"stars\" {\n message = \"stars are not right\"\n means = \"overloaded\"\n}\n"))
	testhelp.Eventually(t, "the rule decides", func() bool { return r.post(chat, ask).status == 200 })
}

func TestASingleChannelIsRetriedAndItsOwnAnswerPassedOn(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, quickRetry+"breaker {\n failures = 1000\n ratio = 1\n}\n"))
	s.Always(fakesite.Status(502, `{"error":{"message":"its own words"}}`, "Retry-After", "17", "X-Own", "yes"))
	got := r.post(chat, ask)
	if got.status != 502 || !strings.Contains(got.body, "its own words") || got.header.Get("Retry-After") != "17" || got.header.Get("X-Own") != "yes" {
		t.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
	if n := s.Count(); n != 4 {
		t.Errorf("the site saw %d attempts, want 4", n)
	}
	s.ResetScript()
	s.Next(fakesite.Status(502, "{}"))
	if got := r.post(chat, ask); got.status != 200 {
		t.Errorf("after one 502: %d", got.status)
	}
}

func TestTheLastRealAnswerIsPassedOn(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, "retry {\n max_retries = 3\n base_delay = \"20ms\"\n max_delay = \"50ms\"\n}\n"))
	primary.Always(fakesite.RateLimited(5 * time.Second))
	backup.Always(fakesite.Reset())
	got := r.post(chat, ask)
	if got.status != 429 || got.header.Get("Retry-After") != "5" || got.header.Get("X-Site") != "primary" {
		t.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
}

func TestRetryAfterOfAnHourHoldsNoRequest(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, ""))
	s.Always(fakesite.RateLimited(time.Hour))
	begun := time.Now()
	if got := r.post(chat, ask); got.status != 429 || got.header.Get("Retry-After") != "3600" {
		t.Fatalf("%d %v", got.status, got.header)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the caller was held for %s", took)
	}
	got := r.post(chat, ask)
	if got.status != 503 || s.Count() != 1 || got.header.Get("Retry-After") == "" {
		t.Errorf("while the key is paused: %d, the site saw %d", got.status, s.Count())
	}
}

func TestAShortRetryAfterIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, ""))
	s.Next(fakesite.RateLimited(time.Second))
	if got := r.post(chat, ask); got.status != 200 || s.Count() != 2 {
		t.Fatalf("%d after %d attempts: %s", got.status, s.Count(), got.body)
	}
}

func TestInvalidKeysAreTriedAgainAfterTheirTime(t *testing.T) {
	t.Parallel()
	s := site(t, "only", fakesite.Keys("another"))
	r := start(t, alone(s, ""))
	if got := r.post(chat, ask); got.status != 502 || got.header.Get("X-Should-Retry") != "false" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := r.post(chat, ask); got.status != 503 || s.Count() != 1 {
		t.Fatalf("an invalid key was tried at once: %d", got.status)
	}
	s.ForKey(p1, fakesite.Status(200, `{"ok":true}`))
	r.time.jump(5*time.Minute + time.Second)
	if got := r.post(chat, ask); got.status != 200 {
		t.Fatalf("after 5 minutes: %d %s", got.status, got.body)
	}
	if k := r.channel("only").Keys; k.Alive != 1 {
		t.Errorf("keys alive: %d", k.Alive)
	}
}

func TestACutStreamDoesNotLookWhole(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]fakesite.Behaviour{
		"cut":    fakesite.CutAfterEvents(3),
		"silent": fakesite.HangAfterEvents(3),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary, backup := site(t, "primary"), site(t, "backup")
			r := start(t, two(primary, backup, ""))
			primary.Next(b)
			got := r.post(chat, askStream)
			if got.err == nil || got.status != 200 || strings.Count(got.body, "data:") != 3 {
				t.Fatalf("%d %q %v", got.status, got.body, got.err)
			}
			if backup.Count() != 0 {
				t.Error("a stream that had begun was begun again elsewhere")
			}
			testhelp.Eventually(t, "the failure is counted", func() bool { return r.channel("primary").Stats.FailCount == 1 })
		})
	}
	s := site(t, "only")
	r := start(t, alone(s, ""))
	s.Next(fakesite.ResetAfter(200_000)) // more than is held of an answer
	if got := r.post(chat, ask); got.err == nil {
		t.Errorf("a cut answer of declared length looks whole: %d, %d bytes", got.status, len(got.body))
	}
}

func TestAStatusThatIsNotListedIsNotRetried(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, "retry {\n on = [418]\n base_delay = \"10ms\"\n}\n"))
	s.Next(fakesite.Status(502, "{}"))
	if got := r.post(chat, ask); got.status != 502 || s.Count() != 1 {
		t.Errorf("502: %d after %d attempts", got.status, s.Count())
	}
	s.Next(fakesite.Status(418, "{}"))
	if got := r.post(chat, ask); got.status != 200 {
		t.Errorf("418, which is listed: %d", got.status)
	}
}

func TestNoRetriesMeansOneAttempt(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, "retry {\n max_retries = 0\n}\n"))
	primary.Next(fakesite.RateLimited(0))
	if got := r.post(chat, ask); got.status != 429 || primary.Count() != 1 || backup.Count() != 0 {
		t.Errorf("%d, %d and %d attempts", got.status, primary.Count(), backup.Count())
	}
}

func TestErrorsOfOurOwnHaveTheShapeOfTheAPI(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, "retry {\n max_retries = 1\n base_delay = \"5ms\"\n}\n"))
	s.Always(fakesite.Reset())
	for path, want := range map[string]string{
		chat:                               `{"error":{"message":"no channel could answer`,
		"/v1/messages":                     `{"type":"error","error":{"type":"api_error","message":"no channel could answer`,
		"/v1beta/models/m:generateContent": `{"error":{"code":502,"message":`,
	} {
		got := r.post(path, ask)
		if got.status != 502 || !strings.HasPrefix(got.body, want) || !strings.Contains(got.body, "the connection broke before an answer") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
		if got.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no request id", path)
		}
	}
}
