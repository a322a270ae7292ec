package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// The sizes of the configurations that growth measures.
var (
	growthChannels = []int{1, 10, 100, 1000}
	growthKeys     = []int{1, 10, 100}
)

// growthPoint is the cost of a configuration of one size.
type growthPoint struct {
	Channels int     `json:"channels"`
	Keys     int     `json:"keysPerChannel"`
	CPU      float64 `json:"cpuMicrosPerRequest"`
	Start    float64 `json:"start"`  // ms until the port is answered
	Reload   float64 `json:"reload"` // ms of a reload without changes
	Idle     float64 `json:"idleMiB"`
	Failed   int     `json:"failed"`
}

// growth measures the program with more and more channels and keys.
func growth(ctx context.Context, o options) (points []growthPoint, err error) {
	dir, site, remove, err := startSite(ctx)
	if err != nil {
		return nil, err
	}
	defer remove()
	for _, channels := range growthChannels {
		for _, keys := range growthKeys {
			_, _ = fmt.Fprintf(o.progress, "%d channels with %d keys each\n", channels, keys)
			p, err := grown(ctx, o, dir, site.address, channels, keys)
			if err != nil {
				return points, fmt.Errorf("%d channels with %d keys: %w", channels, keys, err)
			}
			points = append(points, p)
		}
	}
	return points, ctx.Err()
}

func grown(ctx context.Context, o options, dir, site string, channels, keys int) (growthPoint, error) {
	out := growthPoint{Channels: channels, Keys: keys}
	dir, err := unique(dir, "size")
	if err != nil {
		return out, err
	}
	listen, err := freeAddress()
	if err != nil {
		return out, err
	}
	begun := time.Now()
	p, err := runAitunnel(ctx, o.aitunnel, dir, growthConfig(listen, site, channels, keys), listen)
	if err != nil {
		return out, err
	}
	defer p.stop()
	out.Start = ms(time.Since(begun))
	load(ctx, listen, o.conns, warmUp)
	before, err := p.usage()
	if err != nil {
		return out, err
	}
	out.Idle = mib(before.memory)
	var micros []float64
	for range o.rounds {
		if before, err = p.usage(); err != nil {
			return out, err
		}
		l := load(ctx, listen, o.conns, o.duration)
		after, err := p.usage()
		if err != nil {
			return out, err
		}
		out.Failed += l.failed
		micros = append(micros, loadRound{l, after.cpu - before.cpu}.micros())
	}
	slices.Sort(micros)
	out.CPU = micros[len(micros)/2]
	begun = time.Now()
	reload := exec.CommandContext(ctx, o.aitunnel, "reload", "--state-dir", filepath.Join(dir, "state"))
	if text, err := reload.CombinedOutput(); err != nil {
		return out, fmt.Errorf("reload: %w: %.500s", err, text)
	}
	out.Reload = ms(time.Since(begun))
	return out, nil
}

// growthConfig has channels that all lead to one site, in turns.
func growthConfig(listen, site string, channels, keys int) string {
	var b, names strings.Builder
	fmt.Fprintf(&b, "proxy { listen = %q }\nadmin { listen = \"\" }\n", listen)
	for c := range channels {
		list := make([]string, keys)
		for k := range list {
			list[k] = fmt.Sprintf("\"sk-bench-%d-%d\"", c, k)
		}
		fmt.Fprintf(&b, "channel \"c%d\" {\n  target = \"http://%s/primary\"\n  keys = [%s]\n}\n", c, site, strings.Join(list, ", "))
		fmt.Fprintf(&names, "channel.c%d, ", c)
	}
	fmt.Fprintf(&b, "route \"/v1/**\" {\n  channels = [%s]\n  strategy \"round-robin\" {}\n}\n", strings.TrimSuffix(names.String(), ", "))
	return b.String()
}

// printGrowth writes the points as a table.
func printGrowth(out io.Writer, points []growthPoint) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "channels\tkeys each\tCPU µs\tidle MiB\tstart ms\treload ms\tfailed\t")
	for _, p := range points {
		_, _ = fmt.Fprintf(w, "%d\t%d\t%.1f\t%.1f\t%.0f\t%.0f\t%d\t\n", p.Channels, p.Keys, p.CPU, p.Idle, p.Start, p.Reload, p.Failed)
	}
	return w.Flush()
}

// plotGrowth writes pictures of the points into a directory.
func plotGrowth(dir string, points []growthPoint) error {
	for _, p := range []struct {
		file, title string
		value       func(growthPoint) float64
	}{
		{"growth-cpu.svg", "CPU µs per request", func(p growthPoint) float64 { return p.CPU }},
		{"growth-memory.svg", "MiB when idle", func(p growthPoint) float64 { return p.Idle }},
		{"growth-reload.svg", "ms of a reload", func(p growthPoint) float64 { return p.Reload }},
	} {
		var lines []line
		for _, keys := range growthKeys {
			l := line{name: fmt.Sprintf("%d keys each", keys)}
			for _, one := range points {
				if one.Keys == keys {
					l.points = append(l.points, [2]float64{float64(one.Channels), p.value(one)})
				}
			}
			lines = append(lines, l)
		}
		if err := os.WriteFile(filepath.Join(dir, p.file), []byte(plot(p.title, "channels", lines)), 0o644); err != nil {
			return err
		}
	}
	return nil
}
