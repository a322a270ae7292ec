package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// historyRate is the number of requests a second at which the cost of the history is
// measured.
const historyRate = 500

// historyResult is the cost of the history. Figures are medians of the rounds; differences
// are between the two halves of one round.
type historyResult struct {
	Rate    int     `json:"requestsPerSecond"`
	Rounds  int     `json:"rounds"`
	Failed  int     `json:"failed"`
	P50     float64 `json:"p50"` // ms, without the history
	P50With float64 `json:"p50WithHistory"`
	Slower  float64 `json:"p50Percent"` // how much higher p50 is with it
	CPU     float64 `json:"cpuPercentOfACore"`
	CPUWith float64 `json:"cpuPercentOfACoreWithHistory"`
	More    float64 `json:"cpuPercentOfACoreMore"`
}

// historyCost measures the program with and without its history, at the same rate of
// requests: both run, and take turns.
func historyCost(ctx context.Context, o options) (*historyResult, error) {
	dir, site, remove, err := startSite(ctx)
	if err != nil {
		return nil, err
	}
	defer remove()
	var both [2]*process // without and with it
	for i, block := range []string{"history { enabled = false }\n", ""} {
		if both[i], err = startForHistory(ctx, o.aitunnel, dir, site.address, block); err != nil {
			return nil, err
		}
		defer both[i].stop()
	}
	var halves [2][]loadRound
	for round := range o.rounds {
		_, _ = fmt.Fprintf(o.progress, "the history: round %d of %d\n", round+1, o.rounds)
		for half := range 2 {
			which := (round + half) % 2
			one, err := pacedRound(ctx, both[which], o)
			if err != nil {
				return nil, err
			}
			halves[which] = append(halves[which], one)
		}
	}
	return compareHistory(halves), ctx.Err()
}

func startForHistory(ctx context.Context, path, dir, site, block string) (*process, error) {
	dir, err := unique(dir, "aitunnel")
	if err != nil {
		return nil, err
	}
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	admin, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return runAitunnel(ctx, path, dir, filled(aitunnelConfig, listen, admin, site)+block, listen)
}

func pacedRound(ctx context.Context, p *process, o options) (out loadRound, err error) {
	paced(ctx, p.address, o.conns, min(warmUp, o.duration))
	before, err := p.usage()
	if err != nil {
		return out, err
	}
	result := paced(ctx, p.address, o.conns, o.duration)
	after, err := p.usage()
	return loadRound{result, after.cpu - before.cpu}, err
}

// paced sends historyRate requests a second over the connections, at a steady rate on each.
func paced(ctx context.Context, address string, conns int, d time.Duration) loadResult {
	body := request{Model: "bench"}.encode()
	message := append(head(address, len(body)), body...)
	workers := make([]worker, conns)
	beat := time.Duration(conns) * time.Second / historyRate
	begun := time.Now()
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			w := &workers[i]
			defer w.hangUp()
			for at := begun.Add(beat * time.Duration(i) / time.Duration(conns)); at.Sub(begun) < d && ctx.Err() == nil; at = at.Add(beat) {
				time.Sleep(time.Until(at))
				w.once(address, message)
			}
		})
	}
	wg.Wait()
	return collect(workers, time.Since(begun))
}

func compareHistory(halves [2][]loadRound) *historyResult {
	out := &historyResult{Rate: historyRate, Rounds: len(halves[0])}
	p50 := func(l loadRound) float64 { return ms(quantile(l.latencies, 0.5)) }
	cpu := func(l loadRound) float64 { return 100 * l.cpu.Seconds() / l.elapsed.Seconds() }
	var slower, more []float64
	for i := range halves[0] {
		without, with := halves[0][i], halves[1][i]
		out.Failed += without.failed + with.failed
		slower = append(slower, 100*(p50(with)/p50(without)-1))
		more = append(more, cpu(with)-cpu(without))
	}
	out.P50, out.P50With = median(halves[0], p50), median(halves[1], p50)
	out.CPU, out.CPUWith = median(halves[0], cpu), median(halves[1], cpu)
	out.Slower, out.More = middle(slower), middle(more)
	return out
}

func middle(all []float64) float64 {
	slices.Sort(all)
	if len(all) == 0 {
		return 0
	}
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

func (r *historyResult) print(out io.Writer) error {
	_, err := fmt.Fprintf(out, `%d requests/s, %d rounds, %d failed
            without  with the history
p50 ms      %7.2f  %7.2f  %+.1f %%
CPU %%       %7.2f  %7.2f  %+.2f %% of a core
`, r.Rate, r.Rounds, r.Failed, r.P50, r.P50With, r.Slower, r.CPU, r.CPUWith, r.More)
	return err
}
