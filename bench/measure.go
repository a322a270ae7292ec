package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// row is a contender with its processes and results so far.
type row struct {
	contender *contender
	process   *process
	skipped   string
	idle      usage
	after     usage
	calls     [2]uint64 // before and after the requests
	loads     []loadRound
	streams   []streamRound
}

type loadRound struct {
	loadResult
	cpu time.Duration
}

// micros returns the CPU time of a request in microseconds.
func (l loadRound) micros() float64 {
	return float64(l.cpu.Microseconds()) / float64(max(1, l.requests+l.failed))
}

type streamRound struct {
	streamResult
	memory int64 // added by all streams together
}

// warmUp is the time before a measurement, for connections to be made and code to be loaded.
const warmUp = 300 * time.Millisecond

// burst is the number of requests before a measurement, after which a contender no longer
// does what it does only for the first few thousand requests.
const burst = 2 * time.Second

// measure runs everything and returns the report.
func measure(ctx context.Context, o options) (*report, error) {
	dir, site, remove, err := startSite(ctx)
	if err != nil {
		return nil, err
	}
	defer remove()
	b := &bench{options: o, dir: dir, site: site}
	for _, c := range contenders(o) {
		if len(o.only) == 0 || slices.Contains(o.only, c.name) {
			b.rows = append(b.rows, &row{contender: c})
		}
	}
	if len(b.rows) > 0 {
		if err := b.requests(ctx); err != nil {
			return nil, err
		}
		if err := b.streams(ctx); err != nil {
			return nil, err
		}
	}
	out := b.report()
	if err := b.tunnels(ctx, out); err != nil {
		return nil, err
	}
	if err := b.uplinks(ctx, out); err != nil {
		return nil, err
	}
	return out, ctx.Err()
}

// bench is one run.
type bench struct {
	options
	dir  string
	site *process
	self row // the site without a proxy
	rows []*row
}

func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.progress, format+"\n", args...)
}

// launch starts a row's contender, or records why it is left out.
func (b *bench) launch(ctx context.Context, r *row) error {
	dir, err := unique(b.dir, r.contender.name)
	if err != nil {
		return err
	}
	r.process, err = r.contender.start(ctx, dir, b.site.address)
	if errors.Is(err, errMissing) {
		r.skipped = err.Error()
		return nil
	}
	if err != nil {
		return fmt.Errorf("starting %s: %w", r.contender.name, err)
	}
	return nil
}

// requests measures all rows in turns, while all of them run.
func (b *bench) requests(ctx context.Context) error {
	defer func() {
		for _, r := range b.rows {
			b.stop(r)
		}
	}()
	for _, r := range b.rows {
		if err := b.launch(ctx, r); err != nil {
			return err
		}
	}
	time.Sleep(time.Second) // until everything has started
	for _, r := range b.running() {
		if err := b.before(ctx, r); err != nil {
			return err
		}
	}
	b.self.process = b.site
	all := append([]*row{&b.self}, b.running()...)
	for round := range b.rounds {
		b.say("requests: round %d of %d", round+1, b.rounds)
		for _, r := range all {
			if err := b.round(ctx, r); err != nil {
				return err
			}
		}
	}
	for _, r := range b.running() {
		if err := b.after(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) running() []*row {
	return slices.DeleteFunc(slices.Clone(b.rows), func(r *row) bool { return r.skipped != "" })
}

func (b *bench) stop(r *row) {
	if r.process != nil {
		r.process.stop()
		r.process = nil
	}
}

func (b *bench) before(ctx context.Context, r *row) (err error) {
	if r.contender.calls != nil {
		if r.calls[0], err = r.contender.calls(ctx); err != nil {
			return err
		}
	}
	r.idle, err = r.process.usage()
	return err
}

func (b *bench) after(ctx context.Context, r *row) (err error) {
	if r.after, err = r.process.usage(); err != nil {
		return fmt.Errorf("%s: %w", r.contender.name, err)
	}
	if r.contender.calls != nil {
		r.calls[1], err = r.contender.calls(ctx)
	}
	return err
}

func (b *bench) round(ctx context.Context, r *row) error {
	load(ctx, r.process.address, b.conns, min(burst, b.duration))
	before, err := r.process.usage()
	if err != nil {
		return err
	}
	result := load(ctx, r.process.address, b.conns, b.duration)
	after, err := r.process.usage()
	if err != nil {
		return err
	}
	r.loads = append(r.loads, loadRound{result, after.cpu - before.cpu})
	return ctx.Err()
}

// streams measures each row in a new process, so that the memory of the streams does not
// include what was kept from the requests.
func (b *bench) streams(ctx context.Context) error {
	if b.options.streams == 0 {
		return nil
	}
	rounds := (b.rounds + 1) / 2
	for round := range rounds {
		b.say("%d streams at once: round %d of %d", b.options.streams, round+1, rounds)
		if err := b.streamRound(ctx, &b.self); err != nil {
			return err
		}
		for _, r := range b.running() {
			if err := b.launch(ctx, r); err != nil {
				return err
			}
			err := b.streamRound(ctx, r)
			b.stop(r)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) streamRound(ctx context.Context, r *row) error {
	load(ctx, r.process.address, 1, min(warmUp, b.duration))
	before, err := r.process.usage()
	if err != nil {
		return err
	}
	var open usage
	result := streams(ctx, r.process.address, b.options.streams, b.pace, b.hold, func() { open, err = r.process.usage() })
	if err != nil {
		return err
	}
	r.streams = append(r.streams, streamRound{result, open.memory - before.memory})
	return ctx.Err()
}
