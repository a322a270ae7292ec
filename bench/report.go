package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is the result of a run. Times are in milliseconds unless the name
// says otherwise; every figure is the median of its rounds.
type report struct {
	CPU      string   `json:"cpu"`
	Cores    int      `json:"cores"`
	Go       string   `json:"go"`
	Conns    int      `json:"connections"`
	Rounds   int      `json:"rounds"`
	Seconds  float64  `json:"secondsPerRound"`
	Streams  int      `json:"streams"`
	Pace     float64  `json:"pace"`
	Results  []result `json:"results"`
	Baseline string   `json:"baseline,omitempty"` // the row with which relative compares

	Tunnels   []tunnelResult `json:"tunnels,omitempty"`
	NoTunnels string         `json:"noTunnels,omitempty"` // why there are none

	Uplinks       []uplinkResult `json:"uplinks,omitempty"`
	UplinkSeconds float64        `json:"secondsPerUplink,omitempty"`
	NoUplinks     string         `json:"noUplinks,omitempty"` // why there are none
}

type result struct {
	Name    string `json:"name"`
	Skipped string `json:"skipped,omitempty"`

	PerSecond float64 `json:"requestsPerSecond"`
	CPU       float64 `json:"cpuMicrosPerRequest"`
	Relative  float64 `json:"cpuRelative,omitempty"` // to the bare net/http relay
	P50       float64 `json:"p50"`
	P99       float64 `json:"p99"`
	Requests  int     `json:"requests"`
	Failed    int     `json:"failed"`
	Idle      float64 `json:"idleMiB"`
	After     float64 `json:"afterMiB"`

	Opened    int     `json:"streams"`
	Whole     int     `json:"whole"`
	FirstP50  float64 `json:"firstTokenP50"`
	FirstP99  float64 `json:"firstTokenP99"`
	LateP50   float64 `json:"latenessP50"`
	LateP99   float64 `json:"latenessP99"`
	PerStream float64 `json:"kibPerStream"`

	Calls *[2]uint64 `json:"pluginCalls,omitempty"` // before and after the requests
	Fault string     `json:"fault,omitempty"`       // the first failure
}

func (b *bench) report() *report {
	out := &report{
		CPU: processor(), Cores: runtime.NumCPU(), Go: runtime.Version(),
		Conns: b.conns, Rounds: b.rounds, Seconds: b.duration.Seconds(),
		Streams: b.options.streams, Pace: ms(b.pace),
	}
	b.self.contender = &contender{name: "the site itself"}
	out.Results = append(out.Results, b.resultOf(&b.self))
	for _, r := range b.rows {
		out.Results = append(out.Results, b.resultOf(r))
	}
	b.relate(out, "nethttp")
	return out
}

func (b *bench) resultOf(r *row) result {
	out := result{Name: r.contender.name, Skipped: r.skipped, Idle: mib(r.idle.memory), After: mib(r.after.memory)}
	if r.contender.calls != nil && r.skipped == "" {
		out.Calls = &r.calls
	}
	for _, l := range r.loads {
		out.Requests += l.requests
		out.Failed += l.failed
		out.note(l.fault)
	}
	out.PerSecond = median(r.loads, func(l loadRound) float64 { return float64(l.requests) / l.elapsed.Seconds() })
	out.CPU = median(r.loads, loadRound.micros)
	out.P50 = median(r.loads, func(l loadRound) float64 { return ms(quantile(l.latencies, 0.5)) })
	out.P99 = median(r.loads, func(l loadRound) float64 { return ms(quantile(l.latencies, 0.99)) })
	for _, s := range r.streams {
		out.Opened += b.options.streams
		out.Whole += s.whole
		out.note(s.fault)
	}
	out.FirstP50 = median(r.streams, func(s streamRound) float64 { return ms(quantile(s.first, 0.5)) })
	out.FirstP99 = median(r.streams, func(s streamRound) float64 { return ms(quantile(s.first, 0.99)) })
	out.LateP50 = median(r.streams, func(s streamRound) float64 { return ms(quantile(s.lateness, 0.5)) })
	out.LateP99 = median(r.streams, func(s streamRound) float64 { return ms(quantile(s.lateness, 0.99)) })
	out.PerStream = median(r.streams, func(s streamRound) float64 {
		return float64(s.memory) / 1024 / float64(b.options.streams)
	})
	return out
}

func (r *result) note(fault string) {
	if r.Fault == "" {
		r.Fault = fault
	}
}

// relate compares CPU with that of the named row, round by round, since the load of the
// machine differs between rounds.
func (b *bench) relate(out *report, baseline string) {
	i := slices.IndexFunc(b.rows, func(r *row) bool { return r.contender.name == baseline })
	if i < 0 || b.rows[i].skipped != "" {
		return
	}
	out.Baseline = baseline
	for k, r := range b.rows {
		var ratios []float64
		for n := range min(len(r.loads), len(b.rows[i].loads)) {
			if bare := b.rows[i].loads[n].micros(); bare > 0 {
				ratios = append(ratios, r.loads[n].micros()/bare)
			}
		}
		out.Results[1+k].Relative = median(ratios, func(x float64) float64 { return x })
	}
}

func (r *report) print(out io.Writer) error {
	_, _ = fmt.Fprintf(out, "%d cores, %s, %s. %d connections, 2 KiB requests, %d B answers: median of %d rounds of %gs.\n",
		r.Cores, r.CPU, r.Go, r.Conns, len(wholeAnswer), r.Rounds, r.Seconds)
	if slices.ContainsFunc(r.Results, func(x result) bool { return x.Requests > 0 || x.Skipped != "" }) {
		if err := r.printProxies(out); err != nil {
			return err
		}
	}
	if err := r.printTunnels(out); err != nil {
		return err
	}
	return r.printUplinks(out)
}

// printProxies prints the table of proxies.
func (r *report) printProxies(out io.Writer) error {
	_, _ = fmt.Fprintf(out, "%d streams at once, a token every %gms. CPU and memory are of the whole process tree.\n\n", r.Streams, r.Pace)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "\treq/s\tCPU µs\tof nethttp\tp50 ms\tp99 ms\tfailed\tidle MiB\tafter\twhole\tfirst p50\tp99\tlate p50\tp99 ms\tKiB/stream\t")
	for _, x := range r.Results {
		if x.Skipped == "" {
			_, _ = fmt.Fprintln(w, x.line())
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out)
	for _, x := range r.Results {
		if x.Skipped != "" {
			_, _ = fmt.Fprintf(out, "%s: left out, %s\n", x.Name, x.Skipped)
		}
		if x.Fault != "" {
			_, _ = fmt.Fprintf(out, "%s: first failure: %s\n", x.Name, x.Fault)
		}
		if x.Calls != nil {
			_, _ = fmt.Fprintf(out, "%s: calls to plugins: %d before, %d after %d requests\n", x.Name, x.Calls[0], x.Calls[1], x.Requests)
		}
	}
	return nil
}

func (x result) line() string {
	relative, idle, after, whole, memory := "", "", "", "", ""
	if x.Relative > 0 {
		relative = fmt.Sprintf("%.2f", x.Relative)
	}
	if x.Idle > 0 {
		idle, after = fmt.Sprintf("%.1f", x.Idle), fmt.Sprintf("%.1f", x.After)
	}
	if x.Opened > 0 {
		whole = fmt.Sprintf("%d/%d", x.Whole, x.Opened)
		memory = fmt.Sprintf("%.1f", x.PerStream)
	}
	return fmt.Sprintf("%s\t%.0f\t%.1f\t%s\t%.2f\t%.2f\t%d\t%s\t%s\t%s\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t",
		x.Name, x.PerSecond, x.CPU, relative, x.P50, x.P99, x.Failed, idle, after,
		whole, x.FirstP50, x.FirstP99, x.LateP50, x.LateP99, memory)
}

// median returns the median of f over all; 0 if there are none.
func median[T any](all []T, f func(T) float64) float64 {
	if len(all) == 0 {
		return 0
	}
	values := make([]float64, len(all))
	for i, x := range all {
		values[i] = f(x)
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func mib(n int64) float64        { return float64(n) / (1 << 20) }

// processor returns the name of the CPU, if the kernel provides it.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
