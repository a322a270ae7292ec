package limit

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Client has the counters of one client.
type Client struct {
	Gate   *Gate
	Budget *Budget
}

// Clients has the clients of the program, by name. They outlive configurations.
type Clients struct {
	mu  sync.Mutex
	all map[string]*Client
}

// Client returns the client with the name, which it creates if necessary.
func (c *Clients) Client(name string) *Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[string]*Client{}
	}
	one := c.all[name]
	if one == nil {
		one = &Client{NewGate(), &Budget{}}
		c.all[name] = one
	}
	return one
}

// Names returns the names of all clients that were counted.
func (c *Clients) Names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.all))
}

// Changes returns a number that changes whenever saved data does.
func (c *Clients) Changes() (n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.all {
		n += one.Budget.changed()
	}
	return n
}

// keepBudgets is how long a client's spending is kept: longer than any period.
const keepBudgets = 32 * 24 * time.Hour

// Save returns the budgets to save across restarts.
func (c *Clients) Save(now time.Time) (all []SavedBudget) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, one := range c.all {
		if s, ok := one.Budget.save(name); ok && now.Sub(s.Start) < keepBudgets {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b SavedBudget) int { return cmp.Compare(a.Client, b.Client) })
	return all
}

// Restore loads what a previous run saved.
func (c *Clients) Restore(all []SavedBudget) {
	for _, s := range all {
		c.Client(s.Client).Budget.restore(s)
	}
}
