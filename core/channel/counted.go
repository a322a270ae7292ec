package channel

import "time"

// Counts are the counts of a channel and its keys over a span of time. A process that
// has handed over its state reports them to its successor.
type Counts struct {
	Name     string              `json:"name"`
	Target   string              `json:"target"`
	Counters Counters            `json:"counters"`
	Keys     map[string]Counters `json:"keys,omitempty"` // by fingerprint
}

// CountsSince returns what was counted after a state was saved.
func (r *Registry) CountsSince(before Saved) (all []Counts) {
	were := map[[2]string]SavedChannel{}
	for _, c := range before.Channels {
		were[[2]string{c.Name, c.Target}] = c
	}
	for _, c := range r.Save().Channels {
		was := were[[2]string{c.Name, c.Target}]
		if c.Counters == was.Counters {
			continue
		}
		keys := map[string]Counters{}
		for _, k := range was.Keys {
			keys[k.Fingerprint] = k.Counters
		}
		out := Counts{Name: c.Name, Target: c.Target, Counters: c.Counters.since(was.Counters)}
		for _, k := range c.Keys {
			if earlier := keys[k.Fingerprint]; k.Counters != earlier {
				put(&out.Keys, k.Fingerprint, k.Counters.since(earlier))
			}
		}
		all = append(all, out)
	}
	return all
}

// AddCounts adds the counts of another process. Channels and keys that no longer exist are left
// out.
func (r *Registry) AddCounts(all []Counts) {
	for _, c := range all {
		r.mu.Lock()
		s := r.channels[[2]string{c.Name, c.Target}]
		r.mu.Unlock()
		if s == nil {
			continue
		}
		s.mu.Lock()
		s.counters.add(c.Counters)
		for print, counted := range c.Keys {
			if k := s.keys[print]; k != nil {
				k.mu.Lock()
				k.counters.add(counted)
				k.mu.Unlock()
			}
		}
		s.mu.Unlock()
	}
}

// since returns the difference to earlier counters.
func (c Counters) since(earlier Counters) Counters {
	c.Requests -= earlier.Requests
	c.Successes -= earlier.Successes
	c.Failures -= earlier.Failures
	c.TTFBSum -= earlier.TTFBSum
	c.TTFBCount -= earlier.TTFBCount
	return c
}

// add adds the counts of another process. Averages stay as they are, if there are any.
func (c *Counters) add(other Counters) {
	c.Requests += other.Requests
	c.Successes += other.Successes
	c.Failures += other.Failures
	c.TTFBSum += other.TTFBSum
	c.TTFBCount += other.TTFBCount
	for _, average := range []struct{ here, there *time.Duration }{{&c.TTFB, &other.TTFB}, {&c.Total, &other.Total}} {
		if *average.here == 0 {
			*average.here = *average.there
		}
	}
	if other.LastAt.After(c.LastAt) {
		c.LastAt = other.LastAt
	}
	if other.ErrorAt.After(c.ErrorAt) {
		c.LastError, c.ErrorAt = other.LastError, other.ErrorAt
	}
}
