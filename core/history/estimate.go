package history

import (
	"context"
	"slices"

	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
)

// Estimator returns what requests cost by the prices of today. known is false without a price.
type Estimator func(channel, model string, requests int64, t dialect.Tokens) (cost event.Money, currency string, known bool)

// Estimate sets the function that estimates, with current prices, the cost of requests that ended
// without a price.
func (r *Reader) Estimate(by Estimator) { r.estimator = by }

// estimate adds estimates to the rows, by their keys, and to the total.
func (r *Reader) estimate(ctx context.Context, from querier, missing deltas, q UsageQuery, s span, rows []*tally, total *tally) error {
	if r.estimator == nil || total.sums.unpriced == 0 {
		return nil
	}
	asked := q.By
	for _, d := range []Dimension{ByChannel, ByModel} { // which the price depends on
		if !slices.Contains(q.By, d) {
			q.By = append(slices.Clone(q.By), d)
		}
	}
	q.unpriced = true
	parts, _, err := r.tallies(ctx, from, missing, q, s)
	if err != nil {
		return err
	}
	of := map[[len(keyColumns)]string]*tally{}
	for _, t := range rows {
		of[t.key] = t
	}
	for _, part := range parts {
		n := part.sums
		channel, model := part.key[slices.Index(keyColumns[:], ByChannel)], part.key[slices.Index(keyColumns[:], ByModel)]
		cost, currency, known := r.estimator(channel, model, n.unpriced, dialect.Tokens{
			Input: uint64(n.input), Output: uint64(n.output), CacheRead: uint64(n.cacheRead), CacheWrite: uint64(n.cacheWrite), Reasoning: uint64(n.reasoning), //nolint:gosec // sums of counts
		})
		if !known || n.unpriced == 0 {
			continue
		}
		key := part.key
		for i, d := range keyColumns {
			if !slices.Contains(asked, d) {
				key[i] = ""
			}
		}
		total.addEstimate(currency, int64(cost), n.unpriced)
		if row := of[key]; row != nil {
			row.addEstimate(currency, int64(cost), n.unpriced)
		}
	}
	return nil
}

func (t *tally) addEstimate(currency string, cost, requests int64) {
	if t.estimate == nil {
		t.estimate = map[string]int64{}
	}
	t.estimate[currency] += cost
	t.estimated += requests
}
