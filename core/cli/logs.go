package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/event"
)

// logFlags are those of logs.
type logFlags struct {
	follow  bool
	lines   int
	level   event.Level
	channel string
	json    bool
}

func (a *app) logsCommand() *cobra.Command {
	f := logFlags{lines: 50, level: event.LevelInfo}
	c := &cobra.Command{
		Use:   "logs",
		Short: "Show what happened lately, and what happens",
		Long: `Show the last events: requests with their outcome, retries, channels and keys that
go out of service and come back, reloads, tunnels and plugins.

If nothing runs, the end of the log file of the last run is shown, and the exit
code is 3.`,
		Example: "  aitunnel logs\n  aitunnel logs -f\n  aitunnel logs -n 200 --level warn\n  aitunnel logs -f --channel primary --json",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case !slices.Contains(event.Levels, f.level):
				return usageError{c, fmt.Errorf("--level must be one of info, warn, error, but it is %q", f.level)}
			case f.lines < 0 || f.lines > maxLines:
				return usageError{c, fmt.Errorf("-n must be a number from 0 to %d, but it is %d", maxLines, f.lines)}
			}
			return a.logs(c.Context(), f)
		},
	}
	flags := c.Flags()
	flags.BoolVarP(&f.follow, "follow", "f", false, "go on with what happens, until interrupted")
	flags.IntVarP(&f.lines, "lines", "n", f.lines, "how many of the last events to show")
	flags.StringVar((*string)(&f.level), "level", string(f.level), "the least level: info, warn or error")
	flags.StringVar(&f.channel, "channel", "", "only what is about this channel")
	flags.BoolVar(&f.json, "json", false, "print JSON, one event a line")
	_ = c.RegisterFlagCompletionFunc("channel", a.completeChannels)
	_ = c.RegisterFlagCompletionFunc("level", cobra.FixedCompletions([]string{"info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// maxLines is how many events the program remembers.
const maxLines = 1000

func (a *app) logs(ctx context.Context, f logFlags) error {
	r := a.remote()
	var recent []event.Event
	query := url.Values{"n": {strconv.Itoa(maxLines)}}
	if f.channel != "" {
		query.Set("channel", f.channel)
	}
	err := r.get(ctx, "/api/logs/recent?"+query.Encode(), &recent)
	if idle := (*notRunningError)(nil); errors.As(err, &idle) && !f.follow {
		a.lastLog(f.lines)
	}
	if err != nil {
		return err
	}
	last := uint64(0)
	if n := len(recent); n > 0 {
		last = recent[n-1].ID
	}
	recent = slices.DeleteFunc(recent, func(e event.Event) bool { return !f.shows(e) })
	for _, e := range recent[max(0, len(recent)-f.lines):] {
		if err := a.printEvent(e, f.json); err != nil {
			return err
		}
	}
	if !f.follow {
		return nil
	}
	return a.followLogs(ctx, r, f, last)
}

// shows says whether an event passes the filters.
func (f logFlags) shows(e event.Event) bool {
	return e.Level.AtLeast(f.level) && (f.channel == "" || e.Channel == f.channel || e.Request != nil && e.Request.Channel == f.channel)
}

// followLogs prints events after the last until ctx ends. Over a restart of the
// program it waits.
func (a *app) followLogs(ctx context.Context, r *remote, f logFlags, last uint64) error {
	lost := false
	for ctx.Err() == nil {
		query := url.Values{"since": {strconv.FormatUint(last, 10)}}
		err := r.events(ctx, "/api/logs?"+query.Encode(), func(e event.Event) error {
			if e.ID > 0 {
				last = e.ID
			}
			lost = false
			if !f.shows(e) && e.Type != event.TypeNotice {
				return nil
			}
			return a.printEvent(e, f.json)
		})
		if ctx.Err() != nil {
			return nil
		}
		var refused *apiError
		if errors.As(err, &refused) {
			return err
		}
		if !lost {
			lost = true
			_, _ = fmt.Fprintln(a.err, "aitunnel: the program has ended; waiting for it to come back")
		}
		select {
		case <-ctx.Done():
		case <-time.After(watchTime / 4):
		}
	}
	return nil
}

func (a *app) printEvent(e event.Event, asJSON bool) error {
	if asJSON {
		b, err := json.Marshal(e)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.out, "%s\n", b)
		return err
	}
	_, err := fmt.Fprintln(a.out, eventLine(a.paint(), e))
	return err
}

// eventLine is an event for people.
func eventLine(p paint, e event.Event) string {
	level := map[event.Level]string{event.LevelWarn: p.warn("WARN "), event.LevelError: p.bad("ERROR")}[e.Level]
	if level == "" {
		level = "     "
	}
	return fmt.Sprintf("%s %s %s %s", p.dim(clock(e.Time)), level, p.dim(fmt.Sprintf("%-8s", eventName(e.Type))), eventText(p, e))
}

func eventName(t event.Type) string {
	if t == event.TypeChannelToggle {
		return "toggle"
	}
	return string(t)
}

func eventText(p paint, e event.Event) string {
	if e.Request != nil && e.Type == event.TypeRequest {
		return requestText(p, *e.Request)
	}
	message := e.Message
	if id, rest, ok := strings.Cut(message, ": "); ok && strings.HasPrefix(id, "req_") {
		message = rest // the log file and --json have the request's ID
	}
	about := ""
	for _, x := range []string{e.Channel, e.Key, e.Plugin} {
		if x != "" && !strings.Contains(message, x) {
			about += " " + x
		}
	}
	if about != "" {
		return p.bold(about[1:]) + ": " + message
	}
	return message
}

// requestText is a request and what came of it.
func requestText(p paint, r event.Request) string {
	status := strconv.Itoa(r.Status)
	switch {
	case r.Status >= 500:
		status = p.bad(status)
	case r.Status >= 400:
		status = p.warn(status)
	default:
		status = p.good(status)
	}
	text := fmt.Sprintf("%s %s %s", status, r.Method, r.Path)
	if r.Model != "" {
		text += " " + r.Model
	}
	if r.Channel != "" {
		text += p.dim(" from ") + r.Channel
	}
	text += p.dim(", ") + millisText(float64(time.Duration(r.Total).Microseconds())/1000)
	if r.Retries > 0 {
		text += p.dim(", ") + p.warn(retries(r.Retries))
	}
	if r.Error != "" {
		text += p.dim(": ") + r.Error
	}
	return text
}

func retries(n int) string {
	if n == 1 {
		return "1 retry"
	}
	return fmt.Sprintf("%d retries", n)
}

// crashMark begins the trace of a crash.
var crashMark = regexp.MustCompile(`(?m)^(panic|fatal error): .*$`)

// lastLog prints the end of the log file of the last run, if there is one, and
// whether that ended by a crash.
func (a *app) lastLog(lines int) {
	if said, err := os.ReadFile(a.saidPath()); err == nil {
		if crash := crashMark.Find(said); crash != nil {
			defer a.say("The last run crashed: %s\nThe trace is in %s; please report it.", crash, a.saidPath())
		}
	}
	f, err := os.Open(a.logPath())
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	var end []string
	for scan := bufio.NewScanner(f); scan.Scan(); {
		if end = append(end, scan.Text()); len(end) > 2*lines+1 {
			end = end[len(end)-lines:]
		}
	}
	for _, line := range end[max(0, len(end)-lines):] {
		_, _ = fmt.Fprintln(a.out, line)
	}
}
