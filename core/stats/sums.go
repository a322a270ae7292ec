package stats

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Sums are what requests, or attempts, add up to.
type Sums struct {
	Requests, Success, Fail, Retries uint64
	Input, Output                    uint64 // tokens

	latency latency
}

// sample is one request or attempt.
type sample struct {
	good, bad     bool // neither: its caller went away
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

// join adds what other sums hold.
func (s *Sums) join(o *Sums) {
	s.Requests += o.Requests
	s.Success += o.Success
	s.Fail += o.Fail
	s.Retries += o.Retries
	s.Input += o.Input
	s.Output += o.Output
	s.latency.join(&o.latency)
}

// clone returns a copy that does not change any more.
func (s *Sums) clone() Sums {
	out := *s
	out.latency = latency{digits: s.latency.digits}
	out.latency.join(&s.latency)
	return out
}

// Quantile returns the time to the first byte that the share p of the good answers,
// from 0 to 1, did not exceed; 0 without any.
func (s *Sums) Quantile(p float64) time.Duration {
	if s.latency.histogram == nil {
		return 0
	}
	return time.Duration(s.latency.histogram.ValueAtQuantile(100*p)) * unit
}

// Samples returns the number of latencies that were measured, and their sum.
func (s *Sums) Samples() (n uint64, sum time.Duration) {
	if s.latency.histogram == nil {
		return 0, 0
	}
	return uint64(s.latency.histogram.TotalCount()), s.latency.sum
}

// Significant digits of a latency: two take 16 KiB for each histogram, one 2.
const (
	fine   = 2
	coarse = 1
)

const (
	unit    = 100 * time.Microsecond
	longest = int64(10 * time.Minute / unit)
)

// latency holds times; its histogram is made with the first one.
type latency struct {
	digits    int
	histogram *hdrhistogram.Histogram
	sum       time.Duration
}

func (l *latency) add(d time.Duration) {
	if l.histogram == nil {
		l.histogram = hdrhistogram.New(1, longest, max(l.digits, coarse))
	}
	_ = l.histogram.RecordValue(min(max(int64(d/unit), 1), longest)) // it is within the range
	l.sum += d
}

func (l *latency) join(o *latency) {
	if o.histogram == nil {
		return
	}
	if l.histogram == nil {
		l.histogram = hdrhistogram.New(1, longest, max(l.digits, coarse))
	}
	l.histogram.Merge(o.histogram)
	l.sum += o.sum
}
