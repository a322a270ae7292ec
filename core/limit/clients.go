package limit

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Client is what is counted of one client.
type Client struct {
	Gate   *Gate
	Budget *Budget
}

// Clients are those of a program, by name. They outlive configurations.
type Clients struct {
	mu  sync.Mutex
	all map[string]*Client
}

// Client returns the client of the name, new if there was none.
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

// Names returns those of all clients that were counted.
func (c *Clients) Names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.all))
}

// Changes is another number whenever something changed that is saved.
func (c *Clients) Changes() (n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.all {
		n += one.Budget.changed()
	}
	return n
}

// keepBudgets is for how long what a client spent is kept: longer than any period.
const keepBudgets = 32 * 24 * time.Hour

// Save returns what outlives the program.
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

// Restore takes up what a former run saved.
func (c *Clients) Restore(all []SavedBudget) {
	for _, s := range all {
		c.Client(s.Client).Budget.restore(s)
	}
}
