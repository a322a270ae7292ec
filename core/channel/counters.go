package channel

import "time"

// Counters sum up attempts since counting began.
type Counters struct {
	Requests  uint64        `json:"requests"`
	Successes uint64        `json:"successes"`
	Failures  uint64        `json:"failures"`
	TTFBSum   time.Duration `json:"ttfb_sum_ns"` // over TTFBCount good answers
	TTFBCount uint64        `json:"ttfb_count"`
	TTFB      time.Duration `json:"ttfb_ns"`  // moving average of the time to the first byte
	Total     time.Duration `json:"total_ns"` // moving average of the whole
	LastAt    time.Time     `json:"last_at,omitzero"`
	LastError string        `json:"last_error,omitempty"`
	ErrorAt   time.Time     `json:"error_at,omitzero"`
}

// ewmaWeight is the share of the newest sample in the moving averages.
const ewmaWeight = 0.2

func ewma(average, sample time.Duration) time.Duration {
	if average == 0 {
		return sample
	}
	return average + time.Duration(ewmaWeight*float64(sample-average))
}

func (c *Counters) ttfb(d time.Duration) {
	c.TTFBSum += d
	c.TTFBCount++
	c.TTFB = ewma(c.TTFB, d)
}

func (c *Counters) success(now time.Time, total time.Duration) {
	c.Requests++
	c.Successes++
	c.Total = ewma(c.Total, total)
	c.LastAt = now
}

func (c *Counters) failure(now time.Time, reason string) {
	c.Requests++
	c.Failures++
	c.LastAt = now
	c.LastError, c.ErrorAt = reason, now
}

func (c *Counters) reset() { c.Requests, c.Successes, c.Failures = 0, 0, 0 }
