package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/cli/internal/view"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
)

// logFlags are the flags of logs.
type logFlags struct {
	follow  bool
	lines   int
	since   string
	until   string
	from    time.Time // parsed from since; zero: not given
	to      time.Time // parsed from until; zero: not given
	level   event.Level
	channel string
	plugin  string
	json    bool
}

func (a *app) logsCommand() *cobra.Command {
	f := logFlags{lines: 50, level: event.LevelInfo}
	c := &cobra.Command{
		Use:   "logs",
		Short: "Show recent events, and follow new ones",
		Long: `Show the last events: requests with their outcome, retries, changes of channels
and keys, reloads, tunnels and plugins. The running program has the last 1,000;
older ones, such as those from before a restart, come from its log file and, for
requests, from the history.

If the program is not running, the end of its log file is shown instead: the file
that log.file names, or aitunnel.log in the state directory. The exit code is
then 3.`,
		Example: "  aitunnel logs\n  aitunnel logs -f\n  aitunnel logs -n 200 --level warn\n  aitunnel logs --since 2h\n  aitunnel logs --since yesterday --until today\n  aitunnel logs -f --channel primary --json",
		Args:    command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case !slices.Contains(event.Levels, f.level):
				return command.WrongUsage(c, fmt.Errorf("--level takes info, warn or error, not %q", f.level))
			case f.lines < 0 || f.lines > adminclient.MaxRecent:
				return command.WrongUsage(c, fmt.Errorf("--lines takes a number from 0 to %d, but not %d", adminclient.MaxRecent, f.lines))
			}
			if err := f.parsePeriod(c, time.Now()); err != nil {
				return err
			}
			if f.since != "" && !c.Flags().Changed("lines") {
				f.lines = adminclient.MaxRecent
			}
			return a.logs(c, f)
		},
	}
	flags := c.Flags()
	flags.BoolVarP(&f.follow, "follow", "f", false, "print new events until interrupted")
	flags.IntVarP(&f.lines, "lines", "n", f.lines, "number of events to show")
	flags.StringVar(&f.since, "since", "", "show only events since `WHEN`: an age such as 90m or 2d, today, yesterday, or a day such as 2026-11-26")
	flags.StringVar(&f.until, "until", "", "show only events before `WHEN`, in the same forms (default: now)")
	flags.StringVar((*string)(&f.level), "level", string(f.level), "lowest level to show: info, warn or error")
	flags.StringVar(&f.channel, "channel", "", "show only events about this channel")
	flags.StringVar(&f.plugin, "plugin", "", "show only events about this plugin, with the warnings and errors that it logs")
	flags.BoolVar(&f.json, "json", false, "print JSON, one event per line")
	_ = c.RegisterFlagCompletionFunc("channel", a.CompleteChannels)
	_ = c.RegisterFlagCompletionFunc("level", cobra.FixedCompletions([]string{"info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// parsePeriod sets from and to.
func (f *logFlags) parsePeriod(c *cobra.Command, now time.Time) (err error) {
	if f.from, err = admin.HistoryMoment(f.since, now); err != nil {
		return command.WrongUsage(c, fmt.Errorf("--since: %w", err))
	}
	if f.to, err = admin.HistoryMoment(f.until, now); err != nil {
		return command.WrongUsage(c, fmt.Errorf("--until: %w", err))
	}
	switch period := (history.Filter{From: f.from, To: f.to}); {
	case f.until != "" && f.follow:
		return command.WrongUsage(c, errors.New("--follow shows new events, and --until only earlier ones: use one of them"))
	case f.until != "" && !f.from.Before(f.to):
		return command.WrongUsage(c, errors.New(emptyPeriod(f.since, f.until, period, now)))
	}
	return nil
}

func (a *app) logs(cmd *cobra.Command, f logFlags) error {
	c, ctx := a.Client(), cmd.Context()
	recent, err := c.RecentEvents(ctx, adminclient.MaxRecent, "") // those of a channel: see shows
	if a.IsNotRunning(err) && !f.follow {
		return a.WithStateFiles(cmd, func() error { return errors.Join(a.lastLog(ctx, f), err) })
	}
	if err != nil {
		return err
	}
	a.NameKeys(ctx, c)
	last, oldest := uint64(0), time.Now()
	if n := len(recent); n > 0 {
		last, oldest = recent[n-1].ID, recent[0].Time
	}
	recent = slices.DeleteFunc(recent, func(e event.Event) bool { return !f.shows(e) })
	if len(recent) < f.lines {
		recent = slices.Concat(slices.DeleteFunc(a.earlierEvents(ctx, c, f, oldest), func(e event.Event) bool { return !f.shows(e) }), recent)
	}
	if f.channel != "" && len(recent) == 0 {
		if known, err := a.ChannelNames(ctx, c); err == nil && !slices.Contains(known, f.channel) {
			return command.NoSuchChannel(f.channel, known)
		}
	}
	for _, e := range recent[max(0, len(recent)-f.lines):] {
		if err := a.printEvent(e, f.json); err != nil {
			return err
		}
	}
	if !f.follow {
		return nil
	}
	return a.followLogs(ctx, c, f, last)
}

// shows reports whether an event passes the filters.
func (f logFlags) shows(e event.Event) bool {
	if f.plugin != "" && e.Plugin != f.plugin || e.Time.Before(f.from) || !f.to.IsZero() && !e.Time.Before(f.to) {
		return false
	}
	return e.Level.AtLeast(f.level) && (f.channel == "" || e.Channel == f.channel || e.Request != nil && wasSentTo(e.Request, f.channel))
}

// wasSentTo reports whether a request was sent to a channel.
func wasSentTo(r *event.Request, channel string) bool {
	return slices.ContainsFunc(r.Attempts, func(a event.Attempt) bool { return a.Channel == channel })
}

// followLogs prints the events after last until ctx ends. It waits while the program
// restarts.
func (a *app) followLogs(ctx context.Context, c *adminclient.Client, f logFlags, last uint64) error {
	lost := false
	for ctx.Err() == nil {
		err := c.EventsAfter(ctx, last, func(e event.Event) error {
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
		var refused *adminclient.Error
		if errors.As(err, &refused) {
			return err
		}
		if !lost {
			lost = true
			_, _ = fmt.Fprintln(a.Err, "aitunnel: the program has stopped; waiting for it to come back")
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
		_, err = fmt.Fprintf(a.Out, "%s\n", b)
		return err
	}
	_, err := fmt.Fprintln(a.Out, eventLine(a.Paint(), a.KeyNames.Event(e)))
	return err
}

// eventLine returns an event for people.
func eventLine(p term.Paint, e event.Event) string {
	level := map[event.Level]string{event.LevelWarn: p.Warn("WARN "), event.LevelError: p.Bad("ERROR")}[e.Level]
	if level == "" {
		level = "     "
	}
	return fmt.Sprintf("%s %s %s %s", p.Dim(term.Clock(e.Time)), level, p.Dim(fmt.Sprintf("%-8s", eventName(e.Type))), eventText(p, e))
}

func eventName(t event.Type) string {
	if t == event.TypeChannelToggle {
		return "channel"
	}
	return string(t)
}

func eventText(p term.Paint, e event.Event) string {
	if e.Request != nil && e.Type == event.TypeRequest {
		return requestText(p, *e.Request)
	}
	message := e.Message
	if id, rest, ok := strings.Cut(message, ": "); ok && strings.HasPrefix(id, "req_") {
		message = rest // the request's ID is only in the log file and --json
	}
	about := ""
	for _, x := range []string{e.Channel, e.Key, e.Plugin} {
		if x != "" && (e.Type == event.TypeRetry || !isNamed(message, x, x == e.Key)) {
			about += " " + x
		}
	}
	if about != "" {
		return p.Bold(about[1:]) + ": " + message
	}
	return message
}

// isNamed reports whether a message contains a name. A key can have any label, even a
// word of the message, so it must be quoted or at the beginning.
func isNamed(message, name string, isKey bool) bool {
	if isKey {
		return strings.Contains(message, strconv.Quote(name)) || strings.HasPrefix(message, name+":") || strings.HasPrefix(message, name+" ")
	}
	return strings.Contains(message, name)
}

// requestText returns a request and its outcome.
func requestText(p term.Paint, r event.Request) string {
	status := strconv.Itoa(r.Status)
	switch {
	case r.Status >= 500:
		status = p.Bad(status)
	case r.Status >= 400:
		status = p.Warn(status)
	default:
		status = p.Good(status)
	}
	text := fmt.Sprintf("%s %s %s", status, r.Method, r.Path)
	if r.Model != "" {
		text += " " + r.Model
	}
	if r.Channel != "" {
		text += p.Dim(" from ") + r.Channel
	}
	text += p.Dim(", ") + term.Millis(float64(time.Duration(r.Total).Microseconds())/1000)
	if r.Retries > 0 {
		text += p.Dim(", ") + p.Warn(retries(r.Retries))
	}
	if cause := failureText(r); cause != "" {
		text += p.Dim(": ") + cause + p.Dim(" ("+r.ID+")")
	}
	return text
}

// failureText returns why a request or one of its attempts failed, each cause once,
// after the channels that were not available if one failed or a fallback was used; ""
// if there is nothing to explain.
func failureText(r event.Request) string {
	var causes []string
	if slices.ContainsFunc(r.Attempts, func(x event.Attempt) bool {
		return view.AttemptText(x) != "" || strings.HasPrefix(x.Reason, "a fallback (")
	}) {
		for _, o := range r.PassedOver {
			causes = append(causes, o.Channel+": not available ("+view.SkipText(o.Why, o.Reason)+")")
		}
	}
	for _, x := range r.Attempts {
		name := x.Channel
		if slices.ContainsFunc(r.Attempts, func(o event.Attempt) bool { return o.Channel == x.Channel && o.Key != x.Key }) {
			name += " " + x.Key
		}
		if cause := name + ": " + view.AttemptText(x); view.AttemptText(x) != "" && !slices.Contains(causes, cause) {
			causes = append(causes, cause)
		}
	}
	if len(causes) == 0 {
		return r.Error
	}
	return strings.Join(causes, "; ")
}

func retries(n int) string {
	if n == 1 {
		return "1 retry"
	}
	return fmt.Sprintf("%d retries", n)
}
