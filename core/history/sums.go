package history

import (
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// bounds are the upper bounds of the buckets for the time to the first byte, four per
// decade; the last bucket has none.
var bounds = []time.Duration{
	10e6, 18e6, 32e6, 56e6, 100e6, 180e6, 320e6, 560e6, 1e9, 1.8e9, 3.2e9, 5.6e9, 10e9, 18e9, 32e9, 56e9, 100e9, 180e9, 320e9,
}

// buckets is the number of buckets.
const buckets = 20

func bucketOf(d time.Duration) int {
	for i, bound := range bounds {
		if d <= bound {
			return i
		}
	}
	return buckets - 1
}

// quantile returns the value below which the share q of the samples lies, interpolated
// linearly within its bucket; 0 without samples.
func quantile(counts []int64, q float64) time.Duration {
	total := int64(0)
	for _, n := range counts {
		total += n
	}
	rank := q * float64(total)
	below := 0.0
	for i, n := range counts {
		if n == 0 || below+float64(n) < rank {
			below += float64(n)
			continue
		}
		low, high := time.Duration(0), bounds[min(i, len(bounds)-1)]
		if i > 0 {
			low = bounds[i-1]
		}
		return low + time.Duration(float64(high-low)*(rank-below)/float64(n))
	}
	return 0
}

// group is what a sum is about: its time and names.
type group struct {
	hour     int64 // ms
	day      int   // 20261126
	model    string
	channel  string
	key      string
	client   string
	currency string
}

// sums are the totals of requests, in the order of sumColumns.
type sums struct {
	requests, failed, retries        int64
	input, output                    int64
	cacheRead, cacheWrite, reasoning int64
	cost, unpriced                   int64
	ttfb                             int64 // total of the samples in the buckets, in microseconds
	latency                          [buckets]int64
}

// addTo appends the sums to the arguments of a statement.
func (s *sums) addTo(args *arguments) {
	args.add(s.requests, s.failed, s.retries, s.input, s.output, s.cacheRead, s.cacheWrite, s.reasoning, s.cost, s.unpriced, s.ttfb)
	for _, n := range s.latency {
		args.add(n)
	}
}

// targets appends the variables into which the columns of a row are read.
func (s *sums) targets(to []any) []any {
	for _, n := range []*int64{&s.requests, &s.failed, &s.retries, &s.input, &s.output, &s.cacheRead, &s.cacheWrite, &s.reasoning, &s.cost, &s.unpriced, &s.ttfb} {
		to = append(to, (*integer)(n))
	}
	for i := range s.latency {
		to = append(to, (*integer)(&s.latency[i]))
	}
	return to
}

// integer is read without a conversion: for an int64, database/sql formats the number
// as text and parses it.
type integer int64

func (i *integer) Scan(from any) error {
	n, ok := from.(int64)
	if !ok {
		return fmt.Errorf("%T where a whole number was expected", from)
	}
	*i = integer(n)
	return nil
}

// join adds other sums. Their costs must be in the same currency.
func (s *sums) join(o *sums) {
	s.requests += o.requests
	s.failed += o.failed
	s.retries += o.retries
	s.input += o.input
	s.output += o.output
	s.cacheRead += o.cacheRead
	s.cacheWrite += o.cacheWrite
	s.reasoning += o.reasoning
	s.cost += o.cost
	s.unpriced += o.unpriced
	s.ttfb += o.ttfb
	for i := range s.latency {
		s.latency[i] += o.latency[i]
	}
}

func (s *sums) add(r *event.Request) {
	s.requests++
	s.retries += int64(r.Retries)
	s.input += int64(r.TokensIn)
	s.output += int64(r.TokensOut)
	s.cacheRead += int64(r.TokensCacheRead)
	s.cacheWrite += int64(r.TokensCacheWrite)
	s.reasoning += int64(r.TokensReasoning)
	s.cost += int64(r.Cost)
	failed := r.Failed()
	if failed {
		s.failed++
	}
	if unpriced(r, failed) {
		s.unpriced++
	}
	if !failed && r.TTFB > 0 {
		ttfb := time.Duration(r.TTFB)
		s.ttfb += ttfb.Microseconds()
		s.latency[bucketOf(ttfb)]++
	}
}

// unpriced reports whether the cost of a request is unknown: the site reported tokens,
// or answered a request for a model successfully.
func unpriced(r *event.Request, failed bool) bool {
	return r.Currency == "" && (r.TokensIn+r.TokensOut > 0 || !failed && r.Model != "" && r.Endpoint == "generate" && r.Status < 400 && r.Status > 0)
}

// deltas are sums that have not been written yet.
type deltas map[group]*sums

// Other is the model of requests that are not counted under their own name: callers
// can invent names, and not each of them may get a sum of its own.
const Other = "other"

// add counts a request under a name for its model.
func (d deltas) add(item item, zone *time.Location, model string) {
	r, at := item.request, arrival(item)
	g := group{
		hour: at.Truncate(time.Hour).UnixMilli(), day: dayOf(at.In(zone)),
		model: model, channel: r.Channel, key: r.Key, client: r.Client, currency: r.Currency,
	}
	s := d[g]
	if s == nil {
		s = &sums{}
		d[g] = s
	}
	s.add(r)
}

// name returns the model's name, or [Other] if there are very many.
func (d deltas) name(r *event.Request) string {
	if len(d) >= maxModels {
		return Other
	}
	return short(r.Model)
}

// names are the models that have their own sums in this hour.
type names struct {
	hour   int64
	models map[string]bool
}

// maxModels is the maximum number of such models.
const maxModels = 500

// of returns the name under which a request is counted.
func (n *names) of(i item) string {
	if hour := arrival(i).Unix() / 3600; n.models == nil || hour > n.hour {
		n.hour, n.models = hour, map[string]bool{}
	}
	name := short(i.request.Model)
	if !n.models[name] {
		if len(n.models) >= maxModels {
			return Other
		}
		n.models[name] = true
	}
	return name
}
