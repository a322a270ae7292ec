package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"
)

// way is a row of the table of tunnels.
type way struct {
	row
	bulk []float64 // GB/s
}

// tunnelResult is the result of a way.
type tunnelResult struct {
	Name      string  `json:"name"`
	PerSecond float64 `json:"requestsPerSecond"`
	CPU       float64 `json:"cpuMicrosPerRequest"` // at home
	P50       float64 `json:"p50"`
	P99       float64 `json:"p99"`
	Bulk      float64 `json:"gigabytesPerSecond,omitempty"`
	Requests  int     `json:"requests"`
	Failed    int     `json:"failed"`
	Fault     string  `json:"fault,omitempty"`
}

// tunnels measures the ways to a port on another machine in turns.
func (b *bench) tunnels(ctx context.Context, out *report) error {
	if len(b.only) > 0 && !slices.Contains(b.only, "tunnel") {
		return nil
	}
	dir, err := unique(b.dir, "sshd")
	if err != nil {
		return err
	}
	h, err := startHost(ctx, dir)
	if errors.Is(err, errMissing) {
		out.NoTunnels = "OpenSSH is not installed"
		return nil
	}
	if err != nil {
		return fmt.Errorf("sshd: %w", err)
	}
	defer h.stop()
	var ways []*way
	defer func() {
		for _, w := range ways {
			b.stop(&w.row)
		}
	}()
	for _, c := range b.ways(h) {
		w := &way{row: row{contender: c}}
		if err := b.launch(ctx, &w.row); err != nil {
			return err
		}
		if w.skipped == "" {
			ways = append(ways, w)
		}
	}
	for round := range b.rounds {
		b.say("tunnels: round %d of %d", round+1, b.rounds)
		for _, w := range ways {
			if err := b.wayRound(ctx, w); err != nil {
				return err
			}
		}
	}
	for _, w := range ways {
		out.Tunnels = append(out.Tunnels, w.result())
	}
	return ctx.Err()
}

func (b *bench) wayRound(ctx context.Context, w *way) error {
	send := func(d time.Duration) loadResult { return load(ctx, w.process.address, tunnelConns, d) }
	bare := w.contender.name == "ssh -N -R" || w.contender.name == "ours"
	if bare { // small requests and answers, since the tunnels are compared
		get := fmt.Appendf(nil, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", w.process.address)
		send = func(d time.Duration) loadResult { return loadOf(ctx, w.process.address, get, tunnelConns, d) }
	}
	send(min(warmUp, b.duration))
	before, err := w.process.usage()
	if err != nil {
		return err
	}
	result := send(b.duration)
	after, err := w.process.usage()
	if err != nil {
		return err
	}
	w.loads = append(w.loads, loadRound{result, after.cpu - before.cpu})
	if bare {
		speed, err := bulk(ctx, w.process.address)
		if err != nil {
			return fmt.Errorf("%s: %w", w.contender.name, err)
		}
		w.bulk = append(w.bulk, speed)
	}
	return ctx.Err()
}

// bulk fetches a large body, and returns the rate in GB/s.
func bulk(ctx context.Context, address string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/bulk", nil)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && n != bulkSize {
		err = fmt.Errorf("%d bytes came, not %d", n, bulkSize)
	}
	return float64(n) / 1e9 / time.Since(begun).Seconds(), err
}

func (w *way) result() tunnelResult {
	out := tunnelResult{Name: w.contender.name}
	for _, l := range w.loads {
		out.Requests += l.requests
		out.Failed += l.failed
		if out.Fault == "" {
			out.Fault = l.fault
		}
	}
	out.PerSecond = median(w.loads, func(l loadRound) float64 { return float64(l.requests) / l.elapsed.Seconds() })
	out.CPU = median(w.loads, loadRound.micros)
	out.P50 = median(w.loads, func(l loadRound) float64 { return ms(quantile(l.latencies, 0.5)) })
	out.P99 = median(w.loads, func(l loadRound) float64 { return ms(quantile(l.latencies, 0.99)) })
	out.Bulk = median(w.bulk, func(x float64) float64 { return x })
	return out
}

// printTunnels prints the table, and the ratio of ours to ssh.
func (r *report) printTunnels(out io.Writer) error {
	if r.NoTunnels != "" {
		_, err := fmt.Fprintf(out, "\nThe tunnels are left out: %s.\n", r.NoTunnels)
		return err
	}
	if len(r.Tunnels) == 0 {
		return nil
	}
	_, _ = fmt.Fprintf(out, "\nThrough an SSH tunnel to an sshd of this machine, %d connections:\n\n", tunnelConns)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "\treq/s\tCPU µs\tp50 ms\tp99 ms\tfailed\tbulk GB/s\t")
	for _, t := range r.Tunnels {
		speed := "-"
		if t.Bulk > 0 {
			speed = fmt.Sprintf("%.2f", t.Bulk)
		}
		_, _ = fmt.Fprintf(w, "%s\t%.0f\t%.1f\t%.2f\t%.2f\t%d\t%s\t\n", t.Name, t.PerSecond, t.CPU, t.P50, t.P99, t.Failed, speed)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	ssh, ours := r.Tunnels[0], r.Tunnels[1]
	_, err := fmt.Fprintf(out, "\nOurs: %.1f times the requests of ssh -N -R, %.2f of its p99, %.1f times its bulk.\n", ours.PerSecond/ssh.PerSecond, ours.P99/ssh.P99, ours.Bulk/ssh.Bulk)
	return err
}
