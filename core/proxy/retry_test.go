package proxy

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// The keys of the sites: two of the first, one of the second.
const p1, p2, b1 = "key-primary-1", "key-primary-2", "key-backup-1"

// fake starts a fake site.
func fake(t testing.TB, name string, options ...fakesite.Option) *fakesite.Site {
	t.Helper()
	s := fakesite.New(name, options...)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// at returns a site for newRig at the address of another server.
func at(t testing.TB, address string) *testSite {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &testSite{t: t, address: u.Host}
}

// inFrontOf starts a proxy with one fake site, or with two, the second of which is the
// fallback.
func inFrontOf(t testing.TB, retry config.Retry, sites ...*fakesite.Site) *rig {
	t.Helper()
	var places []*testSite
	for _, s := range sites {
		places = append(places, at(t, s.URL()))
	}
	return newRig(t, func(c *config.Config) {
		retry.Backoff, retry.AfterSent = config.BackoffExponential, true
		if retry.On == nil {
			retry.On = config.DefaultRetryOn()
		}
		c.Retry = retry
		key := func(secret string) *config.Key {
			return &config.Key{Value: config.NewSecret(secret), Label: secret, Weight: 1}
		}
		if len(sites) == 1 {
			c.Breaker.Failures, c.Breaker.Ratio = 1000, 1
			c.Channels[0].Keys = []*config.Key{key(p1)}
			return
		}
		c.Channels[0].Keys = []*config.Key{key(p1), key(p2)}
		c.Channels[0].Timeouts.FirstByte, c.Channels[0].Timeouts.StreamIdle = time.Second, time.Second
		c.Channels[1].Keys, c.Channels[1].Fallback = []*config.Key{key(b1)}, true
	}, places...)
}

var quickly = config.Retry{MaxRetries: 3, BaseDelay: 20 * time.Millisecond, MaxDelay: 200 * time.Millisecond}

func (r *rig) state(i int) *channel.State {
	c := r.config.Channels[i]
	return r.registry.Channel(c.Name, c.Target.String())
}

// failures returns the number of failed attempts of the first channel.
func (r *rig) failures() uint64 { return r.state(0).Counters().Failures }

// credentials returns the credentials that a site was sent, in order.
func credentials(s *fakesite.Site) []string {
	out := []string{}
	for _, r := range s.Requests() {
		out = append(out, r.Credential)
	}
	return out
}

// TestEffectOfEachVerdict checks every row of the table of verdicts: which requests each site
// got, in order, and what the caller got.
func TestEffectOfEachVerdict(t *testing.T) {
	t.Parallel()
	rateLimited := fakesite.ErrorEvent(`{"error":{"message":"slow down","type":"rate_limit_error"}}`)
	overloaded := fakesite.ErrorEvent(`{"error":{"message":"no capacity","type":"server_error"}}`)
	status := func(n int) fakesite.Behavior { return fakesite.Status(n, "{}") }
	both, none := []string{p1, p2}, []string{}
	for name, tt := range map[string]struct {
		script  []fakesite.Behavior // of the first site
		body    string              // chatBody if empty
		primary []string
		backup  bool // whether it was sent the request
		status  int  // 200 if 0
		keys    [2]string
		skip    channel.Skip // why the first channel is skipped afterwards
	}{
		"an answer":                      {},
		"reset before an answer":         {script: []fakesite.Behavior{fakesite.Reset()}, backup: true},
		"no first byte in time":          {script: []fakesite.Behavior{fakesite.HangBeforeHeaders()}, backup: true},
		"500":                            {script: []fakesite.Behavior{status(500)}, backup: true},
		"502":                            {script: []fakesite.Behavior{status(502)}, backup: true},
		"503":                            {script: []fakesite.Behavior{status(503)}, backup: true},
		"504":                            {script: []fakesite.Behavior{status(504)}, backup: true},
		"521":                            {script: []fakesite.Behavior{status(521)}, backup: true},
		"529":                            {script: []fakesite.Behavior{status(529)}, backup: true},
		"429, the other key":             {script: []fakesite.Behavior{fakesite.RateLimited(0)}, primary: both, keys: [2]string{"rate_limited", ""}},
		"429 with both keys, the backup": {script: []fakesite.Behavior{fakesite.RateLimited(time.Hour), fakesite.RateLimited(time.Hour)}, primary: both, backup: true, keys: [2]string{"rate_limited", "rate_limited"}},
		"429 for one model":              {script: []fakesite.Behavior{fakesite.Status(429, `{"error":{"message":"Rate limit reached for gpt-x"}}`)}, primary: both},
		"401":                            {script: []fakesite.Behavior{fakesite.Unauthorized()}, primary: both, keys: [2]string{"invalid_key", ""}},
		"403 without a reason, the other key answers": {script: []fakesite.Behavior{fakesite.Status(403, `{"error":{"message":"no"}}`)}, primary: both, keys: [2]string{"suspect", ""}},
		"402":                                    {script: []fakesite.Behavior{status(402)}, primary: both, keys: [2]string{"quota_spent", ""}},
		"429 out of quota":                       {script: []fakesite.Behavior{fakesite.OutOfQuota()}, primary: both, keys: [2]string{"quota_spent", ""}},
		"challenge page":                         {script: []fakesite.Behavior{fakesite.Challenge()}, backup: true, skip: channel.SkipBlocked},
		"challenge page as 503":                  {script: []fakesite.Behavior{fakesite.ChallengeHTML503()}, backup: true, skip: channel.SkipBlocked},
		"empty 200":                              {script: []fakesite.Behavior{fakesite.EmptyOK()}, backup: true},
		"empty stream":                           {script: []fakesite.Behavior{fakesite.EmptyStream()}, body: chatStream, backup: true},
		"a stream that starts with a rate limit": {script: []fakesite.Behavior{rateLimited}, body: chatStream, primary: both, keys: [2]string{"rate_limited", ""}},
		"a stream that starts with an error":     {script: []fakesite.Behavior{overloaded}, body: chatStream, backup: true},
		"a stream that hangs before its first event": {script: []fakesite.Behavior{fakesite.HangAfterEvents(0)}, body: chatStream, backup: true},
		"400 is about the request":                   {script: []fakesite.Behavior{fakesite.Status(400, `{"error":{"message":"bad"}}`)}, status: 400},
		"404 of a site without the endpoint":         {script: []fakesite.Behavior{status(404)}, backup: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary, backup := fake(t, "primary", fakesite.Keys(p1, p2)), fake(t, "backup", fakesite.Keys(b1))
			r := inFrontOf(t, quickly, primary, backup)
			primary.Next(tt.script...)
			body, status, sent, sentBackup := tt.body, tt.status, tt.primary, none
			if body == "" {
				body = chatBody
			}
			if status == 0 {
				status = 200
			}
			if sent == nil {
				sent = []string{p1}
			}
			if tt.backup {
				sentBackup = []string{b1}
			}
			if got := r.post(chatPath, body, "Authorization", "Bearer callers-own-key"); got.status != status || got.err != nil {
				t.Fatalf("the caller got %d %q %v, want %d", got.status, got.body, got.err, status)
			}
			if got := credentials(primary); !slices.Equal(got, sent) {
				t.Errorf("the first site was sent %v, want %v", got, sent)
			}
			if got := credentials(backup); !slices.Equal(got, sentBackup) {
				t.Errorf("the backup was sent %v, want %v", got, sentBackup)
			}
			if got := r.state(0).View(r.registry.Now()).Skip; got != tt.skip {
				t.Errorf("the first channel is skipped as %q, want %q", got, tt.skip)
			}
			states := r.keyStates("a")
			for i, key := range both {
				want := tt.keys[i]
				if want == "" {
					want = "ready"
				}
				if states[key] != want {
					t.Errorf("key %d is %q, want %q", i+1, states[key], want)
				}
			}
			if n := len(r.last().Attempts); n != len(sent)+len(sentBackup) {
				t.Errorf("%d attempts are recorded", n)
			}
		})
	}
}

// TestASingleChannelIsRetried: its last answer is passed on.
func TestASingleChannelIsRetried(t *testing.T) {
	t.Parallel()
	s := fake(t, "only")
	r := inFrontOf(t, quickly, s)
	s.Always(fakesite.Status(502, `{"error":{"message":"its own words"}}`, "Retry-After", "17", "X-Own", "yes"))
	got := r.post(chatPath, chatBody)
	if got.status != 502 || !strings.Contains(got.body, "its own words") || got.header.Get("Retry-After") != "17" || got.header.Get("X-Own") != "yes" {
		t.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
	if n := s.Count(); n != 4 {
		t.Errorf("the site was sent %d attempts, want 4", n)
	}
	s.ResetScript()
	s.Next(fakesite.Status(502, "{}"))
	if got := r.post(chatPath, chatBody); got.status != 200 {
		t.Errorf("after one 502: %d", got.status)
	}
}

func TestTheLastRealAnswerIsPassedOn(t *testing.T) {
	t.Parallel()
	primary, backup := fake(t, "primary"), fake(t, "backup")
	r := inFrontOf(t, config.Retry{MaxRetries: 3, BaseDelay: 20 * time.Millisecond, MaxDelay: 50 * time.Millisecond}, primary, backup)
	primary.Always(fakesite.RateLimited(5 * time.Second))
	backup.Always(fakesite.Reset())
	got := r.post(chatPath, chatBody)
	if got.status != 429 || got.header.Get("Retry-After") != "5" || got.header.Get("X-Site") != "primary" {
		t.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
}

// defaults are the defaults of the configuration.
var defaults = config.Retry{MaxRetries: 3, BaseDelay: 500 * time.Millisecond, MaxDelay: 10 * time.Second}

func TestARetryAfterOfAnHourIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s := fake(t, "only")
	r := inFrontOf(t, defaults, s)
	s.Always(fakesite.RateLimited(time.Hour))
	got := r.post(chatPath, chatBody)
	if got.status != 429 || got.header.Get("Retry-After") != "3600" {
		t.Fatalf("%d %v", got.status, got.header)
	}
	if got.took > 5*time.Second {
		t.Errorf("the caller was held for %s", got.took)
	}
	if got := r.post(chatPath, chatBody); got.status != 503 || s.Count() != 1 || got.header.Get("Retry-After") == "" {
		t.Errorf("while the key is cooling down: %d, the site was sent %d", got.status, s.Count())
	}
}

func TestAShortRetryAfterIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := fake(t, "only")
	r := inFrontOf(t, defaults, s)
	s.Next(fakesite.RateLimited(time.Second))
	if got := r.post(chatPath, chatBody); got.status != 200 || s.Count() != 2 {
		t.Fatalf("%d after %d attempts: %s", got.status, s.Count(), got.body)
	}
}

func TestInvalidKeysAreTriedAgainAfterTheirTime(t *testing.T) {
	t.Parallel()
	s := fake(t, "only", fakesite.Keys("another"))
	r := inFrontOf(t, defaults, s)
	if got := r.post(chatPath, chatBody); got.status != 502 || got.header.Get("X-Should-Retry") != "false" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := r.post(chatPath, chatBody); got.status != 503 || s.Count() != 1 {
		t.Fatalf("an invalid key was tried at once: %d", got.status)
	}
	s.ForKey(p1, fakesite.Status(200, `{"ok":true}`))
	r.ahead.Store(int64(5*time.Minute + time.Second))
	if got := r.post(chatPath, chatBody); got.status != 200 {
		t.Fatalf("after 5 minutes: %d %s", got.status, got.body)
	}
	r.wantReady("a")
}

func TestACutStreamDoesNotLookComplete(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]fakesite.Behavior{"cut": fakesite.CutAfterEvents(3), "silent": fakesite.HangAfterEvents(3)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary, backup := fake(t, "primary"), fake(t, "backup")
			r := inFrontOf(t, defaults, primary, backup)
			primary.Next(b)
			got := r.post(chatPath, chatStream)
			if got.err == nil || got.status != 200 || strings.Count(got.body, "data:") != 3 {
				t.Fatalf("%d %q %v", got.status, got.body, got.err)
			}
			if backup.Count() != 0 {
				t.Error("a stream that had started was started again elsewhere")
			}
			testhelp.Eventually(t, "the failure is counted", func() bool { return r.failures() == 1 })
		})
	}
	t.Run("of declared length", func(t *testing.T) {
		t.Parallel()
		s := fake(t, "only")
		r := inFrontOf(t, defaults, s)
		s.Next(fakesite.ResetAfter(200_000)) // more than is held of an answer
		if got := r.post(chatPath, chatBody); got.err == nil {
			t.Errorf("a cut answer looks complete: %d, %d bytes", got.status, len(got.body))
		}
	})
}

func TestAStatusThatIsNotListedIsNotRetried(t *testing.T) {
	t.Parallel()
	s := fake(t, "only")
	r := inFrontOf(t, config.Retry{MaxRetries: 3, On: []int{418}, BaseDelay: 10 * time.Millisecond, MaxDelay: time.Second}, s)
	s.Next(fakesite.Status(502, "{}"))
	if got := r.post(chatPath, chatBody); got.status != 502 || s.Count() != 1 {
		t.Errorf("502: %d after %d attempts", got.status, s.Count())
	}
	s.Next(fakesite.Status(418, "{}"))
	if got := r.post(chatPath, chatBody); got.status != 200 {
		t.Errorf("418, which is listed: %d", got.status)
	}
}

func TestAListed500IsRetriedElsewhere(t *testing.T) {
	t.Parallel()
	primary, backup := fake(t, "primary"), fake(t, "backup")
	r := inFrontOf(t, config.Retry{MaxRetries: 3, On: []int{429, 500}, BaseDelay: 10 * time.Millisecond, MaxDelay: time.Second}, primary, backup)
	primary.Next(fakesite.Status(500, "{}"))
	if got := r.post(chatPath, chatBody); got.status != 200 || got.header.Get("X-Site") != "backup" {
		t.Errorf("%+v", got)
	}
	if p, b := credentials(primary), credentials(backup); !slices.Equal(p, []string{p1}) || !slices.Equal(b, []string{b1}) {
		t.Errorf("the first site was sent %v, the backup %v", p, b)
	}
	if n := r.failures(); n != 1 {
		t.Errorf("%d failures", n)
	}
}

func TestNoRetriesMeansOneAttempt(t *testing.T) {
	t.Parallel()
	primary, backup := fake(t, "primary"), fake(t, "backup")
	r := inFrontOf(t, config.Retry{BaseDelay: time.Millisecond, MaxDelay: time.Second}, primary, backup)
	primary.Next(fakesite.RateLimited(0))
	if got := r.post(chatPath, chatBody); got.status != 429 || primary.Count() != 1 || backup.Count() != 0 {
		t.Errorf("%d, %d and %d attempts", got.status, primary.Count(), backup.Count())
	}
}

// TestALimitAppliesToItsModelOnly: the key is still used for other models. A 403 because
// of a quota does not make the key invalid.
func TestALimitAppliesToItsModelOnly(t *testing.T) {
	t.Parallel()
	primary, backup := fake(t, "primary"), fake(t, "backup")
	r := inFrontOf(t, defaults, primary, backup)
	limit := fakesite.Status(429, `{"error":{"message":"Rate limit reached for gpt-x in organization org-1"}}`, "Retry-After", "3600")
	primary.Next(limit, limit)
	other := strings.Replace(chatBody, "gpt-x", "gpt-y", 1)
	for _, want := range []struct{ body, site string }{{chatBody, "backup"}, {chatBody, "backup"}, {other, "primary"}} {
		if got := r.post(chatPath, want.body); got.status != 200 || got.header.Get("X-Site") != want.site {
			t.Errorf("%s: %+v", want.body, got)
		}
	}
	if s := credentials(primary); !slices.Equal(s, []string{p1, p2, p1}) {
		t.Errorf("the first site was sent %v", s)
	}
	primary.Next(fakesite.Status(403, `{"error":{"code":"insufficient_user_quota","message":"quota is not enough"}}`))
	if got := r.post(chatPath, other); got.status != 200 {
		t.Errorf("%+v", got)
	}
	if state := r.keyStates("a")[p1]; state != "quota_spent" {
		t.Errorf("the key is %q", state)
	}
}

func TestOwnErrorsHaveTheShapeOfTheAPI(t *testing.T) {
	t.Parallel()
	s := fake(t, "only")
	r := inFrontOf(t, config.Retry{MaxRetries: 1, BaseDelay: 5 * time.Millisecond, MaxDelay: time.Second}, s)
	s.Always(fakesite.Reset())
	for path, want := range map[string]string{
		chatPath:                           `{"error":{"message":"no channel could answer`,
		"/v1/messages":                     `{"type":"error","error":{"type":"api_error","message":"no channel could answer`,
		"/v1beta/models/m:generateContent": `{"error":{"code":502,"message":`,
	} {
		got := r.post(path, chatBody)
		if got.status != 502 || !strings.HasPrefix(got.body, want) || !strings.Contains(got.body, "the connection broke before an answer") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
		if got.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no request id", path)
		}
	}
}
