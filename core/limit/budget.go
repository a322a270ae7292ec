package limit

import (
	"sync"
	"time"
)

// Period is the period of a budget.
type Period string

// The periods.
const (
	Hour  Period = "hour"
	Day   Period = "day"
	Week  Period = "week"
	Month Period = "month"
)

// Start returns the beginning of the period that contains now. A week begins on
// Monday.
func (p Period) Start(now time.Time, in *time.Location) time.Time {
	now = now.In(in)
	year, month, day := now.Date()
	switch p {
	case Hour:
		return time.Date(year, month, day, now.Hour(), 0, 0, 0, in)
	case Week:
		return time.Date(year, month, day-(int(now.Weekday())+6)%7, 0, 0, 0, 0, in)
	case Month:
		return time.Date(year, month, 1, 0, 0, 0, 0, in)
	}
	return time.Date(year, month, day, 0, 0, 0, 0, in)
}

// End returns the end of the period that contains now.
func (p Period) End(now time.Time, in *time.Location) time.Time {
	start := p.Start(now, in)
	switch p {
	case Hour:
		return start.Add(time.Hour)
	case Week:
		return start.AddDate(0, 0, 7)
	case Month:
		return start.AddDate(0, 1, 0)
	}
	return start.AddDate(0, 0, 1)
}

// Quantity is a number of tokens and an amount of money.
type Quantity struct {
	Tokens float64 `json:"tokens,omitempty"`
	Amount float64 `json:"amount,omitempty"`
}

func (q Quantity) plus(o Quantity) Quantity {
	return Quantity{q.Tokens + o.Tokens, q.Amount + o.Amount}
}
func (q Quantity) minus(o Quantity) Quantity {
	return Quantity{max(0, q.Tokens-o.Tokens), max(0, q.Amount-o.Amount)}
}

// Bounds are the limits of a budget. 0 is no limit.
type Bounds struct {
	Quantity
	Currency string // of the amount
	Per      Period
	In       *time.Location
}

// Any reports whether there is a bound.
func (b Bounds) Any() bool { return b.Tokens > 0 || b.Amount > 0 }

func (b Bounds) reached(used Quantity) bool {
	return b.Tokens > 0 && used.Tokens >= b.Tokens || b.Amount > 0 && used.Amount >= b.Amount
}

// Budget is what a client may use within a period. It is safe for concurrent
// use.
type Budget struct {
	mu       sync.Mutex
	bounds   Bounds
	start    time.Time // of the period in which spent was spent
	spent    Quantity
	reserved Quantity
	warned   bool   // exhaustion was reported in this period
	changes  uint64 // number of changes of saved data
}

// Configure sets the bounds. What was spent in the period counts.
func (b *Budget) Configure(bounds Bounds) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bounds != b.bounds {
		b.bounds, b.warned = bounds, false
	}
}

// renew begins a new period if the last one is over.
func (b *Budget) renew(now time.Time) {
	if start := b.bounds.Per.Start(now, b.bounds.In); b.start.Before(start) {
		b.start, b.spent, b.warned = start, Quantity{}, false
		b.changes++
	}
}

// Reservation is the part of a budget that a request is expected to need.
type Reservation struct {
	budget *Budget
	use    Quantity
}

// Exhausted says that a budget is used up.
type Exhausted struct {
	Bounds
	Ends  time.Time // when the next period begins
	First bool      // the first time in this period
}

// Reserve reserves what a request is expected to need, unless what was spent and
// reserved already reaches the budget. Without bounds it does nothing.
func (b *Budget) Reserve(now time.Time, use Quantity) (Reservation, *Exhausted) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.bounds.Any() {
		return Reservation{}, nil
	}
	b.renew(now)
	if b.bounds.reached(b.spent.plus(b.reserved)) {
		first := !b.warned
		b.warned = true
		return Reservation{}, &Exhausted{b.bounds, b.bounds.Per.End(now, b.bounds.In), first}
	}
	b.reserved = b.reserved.plus(use)
	b.changes++
	return Reservation{b, use}, nil
}

// Settle replaces the reservation by what the request has cost. Further calls do nothing.
func (r *Reservation) Settle(now time.Time, use Quantity) {
	b := r.budget
	if b == nil {
		return
	}
	r.budget = nil
	b.mu.Lock()
	defer b.mu.Unlock()
	b.renew(now)
	b.reserved = b.reserved.minus(r.use)
	b.spent = b.spent.plus(use)
	b.changes++
}

// BudgetUsage is the state of a budget.
type BudgetUsage struct {
	Bounds
	Spent    Quantity
	Reserved Quantity
	Ends     time.Time
}

// UsedUp reports whether no further request may start.
func (u BudgetUsage) UsedUp() bool { return u.reached(u.Spent.plus(u.Reserved)) }

// Usage returns the state of the budget; ok is false if it has no bounds.
func (b *Budget) Usage(now time.Time) (u BudgetUsage, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.bounds.Any() {
		return u, false
	}
	b.renew(now)
	return BudgetUsage{b.bounds, b.spent, b.reserved, b.bounds.Per.End(now, b.bounds.In)}, true
}

// SavedBudget is a budget as it is saved across restarts. What was reserved counts as
// spent, since the outcome of those requests is unknown after a crash.
type SavedBudget struct {
	Client string    `json:"client"`
	Start  time.Time `json:"start"`
	Spent  Quantity  `json:"spent"`
}

func (b *Budget) save(client string) (SavedBudget, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := SavedBudget{client, b.start, b.spent.plus(b.reserved)}
	return out, out.Spent != Quantity{}
}

func (b *Budget) restore(s SavedBudget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.start, b.spent = s.Start, s.Spent
}

func (b *Budget) changed() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changes
}
