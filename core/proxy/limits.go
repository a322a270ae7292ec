package proxy

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/limit"
	"github.com/aitunnel/aitunnel/core/route"
)

// configureClients sets the limits and budgets of clients.
func (h *Handler) configureClients(cfg *config.Config) {
	known := map[string]bool{}
	for _, c := range cfg.Clients {
		known[c.Name] = true
		counted := h.clients.Client(c.Name)
		l := c.Limit
		counted.Gate.Configure(time.Now(), limit.Rates{Requests: l.RequestsPerMinute, Tokens: l.TokensPerMinute, Burst: l.Burst, Concurrent: l.Concurrent}.ForClient())
		counted.Budget.Configure(limit.Bounds{
			Quantity: limit.Quantity{Tokens: float64(c.Budget.Tokens), Amount: c.Budget.Amount}, Currency: c.Budget.Currency, Per: limit.Period(c.Budget.Per), In: cfg.Location(),
		})
	}
	for _, name := range h.clients.Names() {
		if !known[name] {
			h.clients.Client(name).Gate.Configure(time.Now(), limit.Rates{})
			h.clients.Client(name).Budget.Configure(limit.Bounds{})
		}
	}
}

// countsTokens reports whether the configuration limits tokens, so that those of
// requests must be estimated.
func countsTokens(cfg *config.Config) bool {
	for _, c := range cfg.Clients {
		if c.Limit.TokensPerMinute > 0 || c.Budget.Tokens > 0 || c.Budget.Amount > 0 {
			return true
		}
	}
	for _, ch := range cfg.Channels {
		if ch.Limit.TokensPerMinute > 0 {
			return true
		}
		for _, k := range ch.Keys {
			if k.Limit.TokensPerMinute > 0 {
				return true
			}
		}
	}
	return false
}

// use is what a request is expected to use, and what is reserved for it.
type use struct {
	expected dialect.Tokens
	permit   limit.Permit // within the client's limit
	reserved limit.Reservation
	amount   float64 // reserved, in billionths of the currency
}

func (u *use) tokens() int { return int(u.expected.Input + u.expected.Output) }

// enter waits until the client may send another request, and returns why it may not.
// The caller must release the permit, and record what was used.
func (x *exchange) enter() *fault {
	if x.setup.countsTokens {
		e := dialect.EstimateOf(x.in.Header, x.body.head)
		x.use.expected = dialect.Tokens{Input: uint64(e.Input), Output: uint64(x.handler.outputs.Expect(x.record.Model, e.MaxOutput))}
	}
	counted := x.client.counted
	if counted == nil {
		return nil
	}
	permit, refused, err := counted.Gate.Enter(x.in.Context(), x.use.tokens(), x.client.config.Limit.Wait)
	switch {
	case err != nil:
		if x.interrupted() {
			return &fault{http.StatusServiceUnavailable, "stopping", "aitunnel is stopping", false}
		}
		x.abandon()
	case refused != nil:
		x.retryAfter(refused.RetryAfter)
		return &fault{status: http.StatusTooManyRequests, code: "client_limit", message: x.limitText(refused)}
	}
	x.use.permit = permit
	if f := x.reserve(counted); f != nil {
		x.use.permit.Undo(time.Now())
		return f
	}
	return nil
}

// limitText says which limit the client reached, and when its next request may come.
func (x *exchange) limitText(r *limit.Refusal) string {
	wait := wording.Duration(x.client.config.Limit.Wait)
	at := func(what string) string {
		return fmt.Sprintf("the client %q is at its limit of %d %s", x.client.name, r.Bound, what)
	}
	next := fmt.Sprintf(": the next may come in %s (requests wait %s at most)", wording.Duration(inSeconds(r.RetryAfter)), wait)
	switch r.Reason {
	case limit.RequestsPerMinute:
		every := inSeconds(time.Minute / time.Duration(r.Bound))
		if every < 2*time.Second {
			return at("requests per minute") + next
		}
		return at("requests per minute") + fmt.Sprintf(", up to %d at once and then one every %s", r.Burst, wording.Duration(every)) + next
	case limit.TokensPerMinute:
		return at("tokens per minute") + next
	}
	return at("requests in flight") + ", and its request would wait longer than " + wait
}

// inSeconds rounds up to whole seconds, as Retry-After is.
func inSeconds(d time.Duration) time.Duration {
	return max(time.Second, (d + time.Second - 1).Truncate(time.Second))
}

// reserve reserves a part of the client's budget.
func (x *exchange) reserve(counted *limit.Client) *fault {
	amount := x.client.config.Budget.Amount
	if amount == 0 && x.client.config.Budget.Tokens == 0 {
		return nil
	}
	if amount > 0 && x.record.Model != "" {
		cost, _, known := x.setup.config.Prices.Cost("", x.record.Model, 1, x.use.expected)
		if !known {
			return &fault{http.StatusForbidden, "no_price", fmt.Sprintf("the budget of the client %q is an amount of money, and the model %q has no price", x.client.name, x.record.Model), true}
		}
		x.use.amount = cost.Units()
	}
	now := x.now()
	reserved, spent := counted.Budget.Reserve(now, limit.Quantity{Tokens: float64(x.use.tokens()), Amount: x.use.amount})
	if spent != nil {
		x.retryAfter(spent.Ends.Sub(now))
		f := &fault{status: http.StatusTooManyRequests, code: "budget_used_up", final: spent.Ends.Sub(now) >= longTime, message: fmt.Sprintf("the client %q has used up its budget of %s; the next %s begins at %s", x.client.name, budgetText(spent.Bounds), spent.Per, spent.Ends.Format(time.RFC3339))}
		if spent.First {
			x.handler.bus.Publish(event.Event{Type: event.TypeClient, Level: event.LevelWarn, Code: event.CodeBudgetUsedUp, Client: x.client.name, Message: f.message})
		}
		return f
	}
	x.use.reserved = reserved
	return nil
}

func budgetText(b limit.Bounds) string {
	if b.Amount > 0 {
		return fmt.Sprintf("%s per %s", strings.TrimSpace(fmt.Sprintf("%g %s", b.Amount, b.Currency)), b.Per)
	}
	return fmt.Sprintf("%.0f tokens per %s", b.Tokens, b.Per)
}

// retryAfter tells the caller when to try again, in whole seconds.
func (x *exchange) retryAfter(d time.Duration) {
	d = min(max(d, 0), maxRetryAfter)
	x.caller.w.Header()["Retry-After"] = []string{strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))}
}

// recordUse replaces what the request was expected to use by what it used. If the
// answer does not say, the estimate is kept; without an answer it used nothing.
func (x *exchange) recordUse(t dialect.Tokens) {
	if !x.setup.countsTokens {
		return
	}
	now := x.now()
	used, cost := 0, 0.0
	if x.passing != nil {
		used, cost = x.use.tokens(), x.use.amount
	}
	if t.Input+t.Output > 0 {
		used = int(t.Input + t.Output)
		x.handler.outputs.Observe(x.record.Model, int(t.Output))
	}
	if x.record.Currency != "" {
		cost = x.record.Cost.Units()
	}
	if x.passing != nil {
		x.pick.Correct(now, used)
	}
	x.use.permit.Correct(time.Now(), used)
	x.use.reserved.Settle(now, limit.Quantity{Tokens: float64(used), Amount: cost})
}

// queueUp waits, with other requests for which every channel is at its limit, until a
// candidate is picked.
func (x *exchange) queueUp() bool {
	wait := x.client.config.Limit.Wait
	ok, _ := x.handler.queues.Wait(x.in.Context(), x.kind(), x.client.name, wait, func() (bool, time.Duration) {
		now := x.now()
		if x.pick, x.picked = x.walk.Next(now); x.picked {
			return true, 0
		}
		at, _ := x.walk.NextAvailable(now)
		return false, at.Sub(now)
	})
	x.timedOut = !ok && x.in.Context().Err() == nil
	return ok
}

// kind is what requests that wait in the same queue have in common. A request that
// was tried already may have other channels left than those behind it.
type kind struct {
	route     *route.Route
	model, id string
}

func (x *exchange) kind() kind {
	if len(x.record.Attempts) > 0 {
		return kind{id: x.record.ID}
	}
	return kind{route: x.route, model: x.record.Model}
}
