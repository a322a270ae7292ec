package stats

import (
	"slices"
	"time"
)

// Sums are totals of requests or attempts.
type Sums struct {
	Requests, Success, Fail, Retries uint64
	Input, Output                    uint64 // tokens

	latency latency
}

// sample is one request or attempt.
type sample struct {
	good, bad     bool // neither: its caller disconnected
	retries       uint64
	input, output uint64
	ttfb          time.Duration // 0: none
}

func (s *Sums) add(one sample) {
	s.Requests++
	s.Retries += one.retries
	if one.good {
		s.Success++
	}
	if one.bad {
		s.Fail++
	}
	if one.ttfb > 0 {
		s.latency.add(one.ttfb)
	}
	s.tokens(one)
}

func (s *Sums) tokens(one sample) {
	s.Input += one.input
	s.Output += one.output
}

// join adds other sums.
func (s *Sums) join(o *Sums) {
	s.Requests += o.Requests
	s.Success += o.Success
	s.Fail += o.Fail
	s.Retries += o.Retries
	s.Input += o.Input
	s.Output += o.Output
	s.latency.join(&o.latency)
}

// clone returns a deep copy.
func (s *Sums) clone() Sums {
	out := *s
	out.latency.counts = slices.Clone(s.latency.counts)
	return out
}

// Quantile returns the p quantile, from 0 to 1, of the time to the first byte of good answers; 0
// without any.
func (s *Sums) Quantile(p float64) time.Duration {
	return s.latency.quantile(p)
}

// Samples returns the number of latencies that were measured, and their sum.
func (s *Sums) Samples() (n uint64, sum time.Duration) {
	return s.latency.total, s.latency.sum
}
