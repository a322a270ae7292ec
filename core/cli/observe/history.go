package observe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/service"
)

// keptHistory is the history of requests, in the running program or in the file of a
// stopped one.
type keptHistory interface {
	page(ctx context.Context, f history.Filter, cursor string, n int) (history.Page, error)
	request(ctx context.Context, id string) (history.Record, error)
	usage(ctx context.Context, q history.UsageQuery) (history.Usage, error)
}

// fromFile reads the history from its file.
type fromFile struct{ *history.Reader }

func (f fromFile) page(ctx context.Context, filter history.Filter, cursor string, n int) (history.Page, error) {
	return f.Requests(ctx, filter, cursor, n)
}

func (f fromFile) request(ctx context.Context, id string) (history.Record, error) {
	return f.Request(ctx, id)
}

func (f fromFile) usage(ctx context.Context, q history.UsageQuery) (history.Usage, error) {
	return f.Usage(ctx, q, time.Now())
}

// withHistory calls f with the history of the running program, or, if none is running,
// with that of the state directory or the service.
func (a *app) withHistory(c *cobra.Command, f func(keptHistory) error) error {
	err := f(fromProgram{a.Client()})
	if !a.IsNotRunning(err) {
		return err
	}
	return a.WithStateFiles(c, func() error { return a.withFile(c, f) })
}

// withFile calls f with the history of the state directory.
func (a *app) withFile(c *cobra.Command, f func(keptHistory) error) (err error) {
	reader, closeIt, failed := history.Open(a.StateDir, time.Local)
	if errors.Is(failed, history.ErrNoHistory) {
		text := fmt.Sprintf("there is no history in the state directory %s: it begins with the first request", a.StateDir)
		if _, installed := service.InstalledSystem(); installed && !a.StateDirGiven && os.Getuid() != 0 {
			text += ". For that of the system service run the command with sudo"
		}
		return errors.New(text)
	}
	if failed != nil {
		return failed
	}
	defer closeIt()
	reader.Estimate(a.todaysPrices(c))
	if a.KeyNames, err = reader.KeyNames(c.Context()); err != nil {
		return err
	}
	return f(fromFile{reader})
}

// todaysPrices returns what requests cost by the configuration. It is read when a cost is to be
// estimated; without a valid one nothing is, and why is said.
func (a *app) todaysPrices(c *cobra.Command) history.Estimator {
	load := sync.OnceValue(func() *config.Config {
		path, err := config.Find(a.Config)
		if err != nil {
			return nil
		}
		var cfg *config.Config
		var report config.Report
		err = a.WithPlugins(path, func(h *pluginhost.Host) error {
			cfg, report = config.Load(c.Context(), config.Options{Path: path, Vars: a.Vars, Catalog: h})
			return nil
		})
		if err != nil || report.HasErrors() {
			a.Warn("costs are not estimated, as %s is not valid: 'aitunnel validate' says why", path)
		}
		return cfg
	})
	return func(channel, model string, requests int64, t dialect.Tokens) (event.Money, string, bool) {
		if cfg := load(); cfg != nil {
			return cfg.CostToday(channel, model, requests, t)
		}
		return 0, "", false
	}
}

// historyFlags are the filters of usage and requests.
type historyFlags struct {
	since, until                string
	client, channel, key, model string
	json                        bool
}

func (f *historyFlags) add(a *app, c *cobra.Command, since string) {
	f.since = since
	flags := c.Flags()
	flags.StringVar(&f.since, "since", since, "only requests since `WHEN`: an age such as 90m or 7d, today, yesterday, a day such as 2026-11-26, or \"all\"")
	flags.StringVar(&f.until, "until", "", "only requests before `WHEN`, in the same forms (default: now)")
	flags.StringVar(&f.client, "client", "", "only requests of this client; * matches any characters")
	flags.StringVar(&f.channel, "channel", "", "only requests of this channel; * matches any characters")
	flags.StringVar(&f.key, "key", "", "only requests with this key: what 'aitunnel key list' calls it, or its ID; * matches any characters of that")
	flags.StringVar(&f.model, "model", "", "only requests for this model; * matches any characters")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	_ = c.RegisterFlagCompletionFunc("channel", a.CompleteChannels)
}

// now returns the time in the zone of days: that of the running program's
// configuration, or that in the history of a stopped one.
func (a *app) now(ctx context.Context) time.Time {
	now := time.Now()
	if s, err := a.Client().Status(ctx); err == nil {
		if zone, err := time.LoadLocation(s.TimeZone); err == nil && s.TimeZone != "" {
			return now.In(zone)
		}
	} else if reader, closeIt, err := history.Open(a.StateDir, time.Local); err == nil {
		defer closeIt()
		return now.In(reader.Zone())
	}
	return now
}

func (f *historyFlags) filter(c *cobra.Command, now time.Time) (out history.Filter, err error) {
	out = history.Filter{Client: f.client, Channel: f.channel, Key: f.key, Model: f.model}
	for name, to := range map[string]*time.Time{"since": &out.From, "until": &out.To} {
		value := map[string]string{"since": f.since, "until": f.until}[name]
		if name == "since" && value == "all" {
			continue
		}
		if *to, err = admin.HistoryMoment(value, now); err != nil {
			return out, command.WrongUsage(c, fmt.Errorf("--%s: %w", name, err))
		}
	}
	if !out.To.IsZero() && !out.From.Before(out.To) {
		return out, command.WrongUsage(c, errors.New(emptyPeriod(f.since, f.until, out, now)))
	}
	return out, nil
}

// unknownNames returns which of the filter's names are not in the configuration, so
// that nothing could be found; "" if the program is not running.
func (a *app) unknownNames(ctx context.Context, f history.Filter) string {
	out := ""
	say := func(kind, name string, known []string) {
		if name == "" || strings.Contains(name, "*") || slices.Contains(known, name) || len(known) == 0 {
			return
		}
		out += fmt.Sprintf("There is no %s %q now; the %ss are %s.\n", kind, name, kind, strings.Join(known, ", "))
	}
	c := a.Client()
	if channels, err := a.ChannelNames(ctx, c); err == nil {
		say("channel", f.Channel, channels)
	}
	if s, err := c.Status(ctx); err == nil {
		var clients []string
		for _, client := range s.Clients {
			clients = append(clients, client.Name)
		}
		say("client", f.Client, clients)
	}
	a.NameKeys(ctx, c)
	if f.Key != "" && !strings.Contains(f.Key, "*") && len(a.KeyNames) > 0 && !a.isKey(f.Key) {
		out += fmt.Sprintf("There is no key %q now; 'aitunnel key list' shows the keys.\n", f.Key)
	}
	return redact.KeyLike(out)
}

// isKey reports whether a key has the ID or the name, or ends like that.
func (a *app) isKey(text string) bool {
	for of, shown := range a.KeyNames {
		if _, last, masked := strings.Cut(shown, "…"); shown == text || masked && last == text || strings.HasSuffix(of, " "+text) {
			return true
		}
	}
	return false
}

// emptyPeriod returns why a period is empty, and how to write the day that was
// probably meant.
func emptyPeriod(since, until string, f history.Filter, now time.Time) string {
	why := fmt.Sprintf("--until %s is not after --since %s", until, since)
	midnight := f.To.Equal(time.Date(f.To.Year(), f.To.Month(), f.To.Day(), 0, 0, 0, 0, f.To.Location()))
	if !f.From.Equal(f.To) || !midnight {
		return why
	}
	next := f.To.AddDate(0, 0, 1)
	instead := "--since " + since + " --until " + next.Format(time.DateOnly)
	switch {
	case next.After(now):
		instead = "--since " + since
	case until == "yesterday":
		instead = "--since yesterday --until today"
	}
	return fmt.Sprintf("%s: a day means its first moment; for the whole day write %s", why, instead)
}

// questionError turns an error about a query into one about the command line.
func questionError(c *cobra.Command, err error) error {
	if wrong := (*history.QueryError)(nil); errors.As(err, &wrong) {
		return command.WrongUsage(c, err)
	}
	if refused := (*adminclient.Error)(nil); errors.As(err, &refused) && refused.Status == http.StatusBadRequest {
		return command.WrongUsage(c, err)
	}
	return err
}
