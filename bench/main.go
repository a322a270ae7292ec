package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the flags of the command.
type options struct {
	aitunnel string // its executable
	only     []string
	conns    int
	rounds   int
	duration time.Duration // of a round
	streams  int
	pace     time.Duration // between two tokens of a stream
	hold     time.Duration // how long all streams are open at once
	uplink   time.Duration // how long each slow uplink is measured
	progress io.Writer

	growth  bool   // measure configurations of many sizes
	history bool   // measure the cost of the history
	plots   string // the directory for pictures; "": none
}

func run(args []string, out, errs io.Writer) int {
	if len(args) > 0 {
		if serve := roles[args[0]]; serve != nil {
			return play(serve, args[1:], errs)
		}
	}
	o, asJSON, err := parse(args, errs)
	if err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch {
	case o.growth:
		err = runGrowth(ctx, o, asJSON, out)
	case o.history:
		err = runHistory(ctx, o, asJSON, out)
	default:
		err = runReport(ctx, o, asJSON, out)
	}
	if err != nil {
		_, _ = fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	return 0
}

func runReport(ctx context.Context, o options, asJSON bool, out io.Writer) error {
	report, err := measure(ctx, o)
	if err != nil {
		return err
	}
	if o.plots != "" {
		if err := plotReport(o.plots, report); err != nil {
			return err
		}
	}
	if asJSON {
		return writeJSON(out, report)
	}
	return report.print(out)
}

func runHistory(ctx context.Context, o options, asJSON bool, out io.Writer) error {
	result, err := historyCost(ctx, o)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(out, result)
	}
	return result.print(out)
}

func runGrowth(ctx context.Context, o options, asJSON bool, out io.Writer) error {
	points, err := growth(ctx, o)
	if err != nil {
		return err
	}
	if o.plots != "" {
		if err := plotGrowth(o.plots, points); err != nil {
			return err
		}
	}
	if asJSON {
		return writeJSON(out, points)
	}
	return printGrowth(out, points)
}

func writeJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

func parse(args []string, errs io.Writer) (o options, asJSON bool, err error) {
	o.progress = errs
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(errs)
	only := f.String("only", "", "measure only these, separated by commas, such as nethttp,aitunnel,tunnel,uplink")
	quick := f.Bool("quick", false, "one short round of each, in less than a minute")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.BoolVar(&o.growth, "growth", false, "measure only configurations of 1 to 1,000 channels with 1 to 100 keys each")
	f.BoolVar(&o.history, "history", false, "measure only the cost of the history at 500 requests a second; use -rounds 20")
	f.StringVar(&o.plots, "plots", "", "a directory for pictures of the figures, as SVG")
	f.StringVar(&o.aitunnel, "aitunnel", "", "aitunnel's executable (default ./bin/aitunnel or ../bin/aitunnel)")
	f.IntVar(&o.conns, "conns", 64, "connections that send requests")
	f.IntVar(&o.rounds, "rounds", 5, "rounds of each proxy")
	f.DurationVar(&o.duration, "duration", 3*time.Second, "length of a round")
	f.IntVar(&o.streams, "streams", 500, "streams at once")
	f.DurationVar(&o.pace, "pace", 100*time.Millisecond, "time between two tokens of a stream")
	f.DurationVar(&o.hold, "hold", 2*time.Second, "how long all streams are open at once")
	f.DurationVar(&o.uplink, "uplink", 20*time.Second, "how long to measure small answers during large ones, at each rate of the uplink")
	if err := f.Parse(args); err != nil {
		return o, false, err
	}
	if *quick {
		o.rounds, o.duration, o.hold, o.uplink = 1, 2*time.Second, time.Second, 5*time.Second
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	for _, path := range []string{"bin/aitunnel", "../bin/aitunnel"} {
		if _, err := os.Stat(path); o.aitunnel == "" && err == nil {
			o.aitunnel = path
		}
	}
	return o, asJSON, nil
}
