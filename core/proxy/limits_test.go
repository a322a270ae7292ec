package proxy

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/price"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// withClients configures the clients "a" and "b" with these blocks.
func withClients(a, b config.Client) func(*config.Config) {
	return func(c *config.Config) {
		a.Name, a.Token = "a", config.NewSecret("token-of-a")
		b.Name, b.Token = "b", config.NewSecret("token-of-b")
		c.Clients = []*config.Client{&a, &b}
	}
}

func (r *rig) as(client string) got {
	r.t.Helper()
	return r.post(chatPath, chatBody, "Authorization", "Bearer token-of-"+client)
}

// together sends n requests at once, and returns how many succeeded.
func (r *rig) together(n int, client string) (good int) {
	var ok atomic.Int64
	var callers sync.WaitGroup
	for range n {
		callers.Go(func() {
			if r.as(client).status == http.StatusOK {
				ok.Add(1)
			}
		})
	}
	callers.Wait()
	return int(ok.Load())
}

func TestAClientOverItsRateWaits(t *testing.T) {
	site := newTestSite(t, good)
	r := newRig(t, withClients(config.Client{Limit: config.ClientLimit{RequestsPerMinute: 1200, Burst: 2, Wait: time.Minute}}, config.Client{}), site)
	begun := time.Now()
	if n := r.together(12, "a"); n != 12 {
		t.Errorf("%d of 12 requests were answered", n)
	}
	if took := time.Since(begun); took < 490*time.Millisecond {
		t.Errorf("12 requests at 20 a second, 2 of them at once, took %s", took)
	}
}

// One client's waiting requests do not delay another's.
func TestAWaitingClientDoesNotDelayOthers(t *testing.T) {
	r := newRig(t, withClients(config.Client{Limit: config.ClientLimit{RequestsPerMinute: 1, Burst: 1, Wait: time.Hour}}, config.Client{}), newTestSite(t, good))
	if got := r.as("a"); got.status != http.StatusOK {
		t.Fatal(got.body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, r.server.URL+chatPath, strings.NewReader(chatBody))
	req.Header.Set("Authorization", "Bearer token-of-a")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			t.Errorf("the second request within a minute was answered with %d", resp.StatusCode)
		}
	}()
	gate := r.handler.clients.Client("a").Gate
	testhelp.Eventually(t, "the request waits", func() bool { return gate.Waiting() > 0 })
	if n := r.together(10, "b"); n != 10 {
		t.Errorf("%d of 10 requests of the other client were answered", n)
	}
	if gate.Waiting() != 1 {
		t.Error("the first client's request has ended")
	}
	cancel()
	<-ended
	testhelp.Eventually(t, "no request waits", func() bool { return gate.Waiting() == 0 })
}

func TestAClientThatWouldWaitTooLongIsRefused(t *testing.T) {
	r := newRig(t, withClients(config.Client{Limit: config.ClientLimit{RequestsPerMinute: 2, Burst: 1, Wait: time.Second}}, config.Client{}), newTestSite(t, good))
	r.as("a")
	got := r.as("a")
	if got.status != 429 || !strings.Contains(got.body, `"client_limit"`) || !strings.Contains(got.body, "2 requests per minute, up to 1 at once and then one every 30s: the next may come in ") || !strings.Contains(got.body, "(requests wait 1s at most)") || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	if told := r.record(1).Message; !strings.HasPrefix(told, "the client ") || !strings.Contains(told, "the next may come in ") {
		t.Errorf("the record says %q", told)
	}
	claude := r.post("/v1/messages", messagesBody, "X-Api-Key", "token-of-a")
	if claude.status != 429 || !strings.Contains(claude.body, `"type":"rate_limit_error"`) {
		t.Errorf("%d %s", claude.status, claude.body)
	}
	if seconds := got.header.Get("Retry-After"); seconds != "30" && len(seconds) != 2 {
		t.Errorf("Retry-After is %s", seconds)
	}
}

func TestASmallLimitLetsTheFirstRequestsPass(t *testing.T) {
	r := newRig(t, withClients(config.Client{Limit: config.ClientLimit{RequestsPerMinute: 3}}, config.Client{}), newTestSite(t, good))
	for i := range 3 {
		if got := r.as("a"); got.status != http.StatusOK {
			t.Errorf("request %d: %d %s", i+1, got.status, got.body)
		}
	}
	if got := r.as("a"); got.status != http.StatusTooManyRequests {
		t.Errorf("the fourth request is answered with %d", got.status)
	}
}

// counting answers after a moment, and counts how many requests it has at once.
type counting struct {
	now, most atomic.Int64
}

func (c *counting) script(s *siteConn) {
	n := c.now.Add(1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	s.sleep(10 * time.Millisecond)
	c.now.Add(-1)
	good(s)
}

func TestAChannelsLimitIsNotExceeded(t *testing.T) {
	for name, change := range map[string]func(*config.Channel){
		"concurrent":    func(c *config.Channel) { c.Limit.Concurrent.Max = 3 },
		"max_in_flight": func(c *config.Channel) { c.MaxInFlight = 3 },
		"of its keys": func(c *config.Channel) {
			for _, k := range c.Keys {
				k.Limit.Concurrent.Max = 1
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := &counting{}
			r := newRig(t, func(cfg *config.Config) {
				withClients(config.Client{Limit: config.ClientLimit{Wait: time.Minute}}, config.Client{})(cfg)
				change(cfg.Channels[0])
			}, newTestSite(t, c.script))
			if n := r.together(20, "a"); n != 20 {
				t.Errorf("%d of 20 requests were answered", n)
			}
			if most := c.most.Load(); most > 3 {
				t.Errorf("the site had %d requests at once, the limit is 3", most)
			}
		})
	}
}

// A channel at its limit is skipped; if all are, a request waits, and is then refused.
func TestAChannelAtItsLimitIsSkipped(t *testing.T) {
	first, second := newTestSite(t, good), newTestSite(t, good)
	r := newRig(t, func(cfg *config.Config) {
		withClients(config.Client{}, config.Client{})(cfg)
		for _, c := range cfg.Channels {
			c.Limit = config.Limit{RequestsPerMinute: 1, Burst: 1}
		}
	}, first, second)
	for range 2 {
		if got := r.as("a"); got.status != http.StatusOK {
			t.Fatal(got.body)
		}
	}
	if len(first.requests()) != 1 || len(second.requests()) != 1 {
		t.Errorf("the sites were sent %d and %d requests", len(first.requests()), len(second.requests()))
	}
	got := r.as("a")
	if got.status != 429 || !strings.Contains(got.body, "channels_at_limit") || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", got.status, got.body)
	}
	choices, passed, _ := r.handler.current.Load().table.Routes[0].Explain(t.Context(), r.registry.Now(), route.Request{Model: "gpt-x"})
	if len(choices) != 0 || len(passed) < 2 || passed[0].Why != "at_limit" {
		t.Errorf("explain: %v, %v", choices, passed)
	}
}

func TestABudgetOfTokens(t *testing.T) {
	site := newTestSite(t, good) // an answer of 4 tokens
	r := newRig(t, withClients(config.Client{Budget: config.Budget{Tokens: 10, Per: "month"}}, config.Client{}), site)
	for i, want := range []int{200, 200, 200, 429, 429} {
		got := r.as("a")
		if got.status != want {
			t.Errorf("request %d: %d %s, want %d", i+1, got.status, got.body, want)
		}
		if want == 429 && (!strings.Contains(got.body, "budget_used_up") || got.header.Get("Retry-After") == "" || got.header.Get("X-Should-Retry") != "false") {
			t.Errorf("%v %s", got.header, got.body)
		}
	}
	if got := r.as("b"); got.status != 200 {
		t.Errorf("the client without a budget: %d", got.status)
	}
	told := 0
	for _, e := range r.bus.Recent(100) {
		if e.Type == event.TypeClient && e.Client == "a" && e.Code == event.CodeBudgetUsedUp {
			told++
		}
	}
	if told != 1 {
		t.Errorf("the exhausted budget was reported %d times", told)
	}
	if u, _ := r.handler.clients.Client("a").Budget.Usage(time.Now()); u.Spent.Tokens != 12 || u.Reserved.Tokens != 0 {
		t.Errorf("%+v", u)
	}
}

func TestABudgetOfMoney(t *testing.T) {
	prices := price.NewBook([]price.Price{{Pattern: "gpt-*", Input: 1e6, Output: 1e6, Currency: "USD"}}, nil, config.MatchModel) // 1 for a token
	r := newRig(t, func(c *config.Config) {
		withClients(config.Client{Budget: config.Budget{Amount: 5, Per: "day", Currency: "USD"}}, config.Client{})(c)
		c.Prices = prices
		for _, ch := range c.Channels {
			ch.PriceFactor = 1
		}
	}, newTestSite(t, good))
	for _, want := range []int{200, 200, 429} {
		if got := r.as("a"); got.status != want || want == 429 && !strings.Contains(got.body, "its budget of 5 USD per day; the next day begins at") {
			t.Errorf("%d %s, want %d", got.status, got.body, want)
		}
	}
	got := r.post(chatPath, `{"model":"other","messages":[]}`, "Authorization", "Bearer token-of-a")
	if got.status != 403 || !strings.Contains(got.body, "no_price") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// With concurrent = "auto", a refusal lowers the limit, and the key stays in use.
func TestAdaptiveConcurrencyKeepsAKeyInUse(t *testing.T) {
	var atOnce atomic.Int64
	refused := reply(429, `{"error":{"message":"too many concurrent requests","type":"rate_limit_error"}}`)
	site := newTestSite(t, func(c *siteConn) {
		if n := atOnce.Add(1); n > 2 {
			atOnce.Add(-1)
			refused(c)
			return
		}
		c.sleep(5 * time.Millisecond)
		atOnce.Add(-1)
		good(c)
	})
	r := newRig(t, func(c *config.Config) {
		withClients(config.Client{Limit: config.ClientLimit{Wait: time.Minute}}, config.Client{})(c)
		c.Channels[0].Keys = c.Channels[0].Keys[:1]
		c.Channels[0].Limit.Concurrent.Auto = true
	}, site)
	if n := r.together(60, "a"); n != 60 {
		t.Errorf("%d of 60 requests were answered", n)
	}
	r.wantReady("a")
	key := r.registry.Channel("a", r.config.Channels[0].Target.String()).Key("sk-key-a1")
	if most := key.Limiter().Usage(time.Now()).MaxInFlight; most > 4 {
		t.Errorf("%d requests at once are allowed, the site accepts 2", most)
	}
}

// A waiting request for one channel only does not make others wait.
func TestRequestsForOneChannelWaitSeparately(t *testing.T) {
	r := newRig(t, func(cfg *config.Config) {
		withClients(config.Client{Limit: config.ClientLimit{Wait: time.Hour}}, config.Client{})(cfg)
		cfg.Channels[0].Limit = config.Limit{RequestsPerMinute: 1, Burst: 1}
	}, newTestSite(t, good), newTestSite(t, good))
	if got := r.as("a"); got.status != http.StatusOK {
		t.Fatal(got.body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		req := httptest.NewRequestWithContext(ctx, http.MethodPost, chatPath, strings.NewReader(chatBody))
		req.Header.Set("Authorization", "Bearer token-of-a")
		defer func() { _ = recover() }() // the connection is closed
		r.handler.ForChannel("a").ServeHTTP(httptest.NewRecorder(), req)
	})
	testhelp.Eventually(t, "the request waits", func() bool { return r.handler.queues.Waiting() > 0 })
	if got := r.as("b"); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	cancel()
	waiting.Wait()
}
