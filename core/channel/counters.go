package channel

import "time"

// Counters sum up attempts since the program began to count.
type Counters struct {
	Requests  uint64
	Successes uint64
	Failures  uint64
	TTFBSum   time.Duration // over TTFBCount good answers
	TTFBCount uint64
	TTFB      time.Duration // moving average of the time to the first byte
	Total     time.Duration // moving average of the whole
	LastAt    time.Time
	LastError string
	ErrorAt   time.Time
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
