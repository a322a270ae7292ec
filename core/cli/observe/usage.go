package observe

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/cli/internal/view"
	"github.com/aitunnel/aitunnel/core/history"
)

// fromProgram gets the history from the running program.
type fromProgram struct{ *adminclient.Client }

func (f fromProgram) page(ctx context.Context, filter history.Filter, cursor string, n int) (history.Page, error) {
	return f.History(ctx, filter, cursor, n)
}

func (f fromProgram) request(ctx context.Context, id string) (history.Record, error) {
	return f.Request(ctx, id)
}

func (f fromProgram) usage(ctx context.Context, q history.UsageQuery) (history.Usage, error) {
	return f.Usage(ctx, q)
}

func (a *app) usageCommand() *cobra.Command {
	var f historyFlags
	by := []string{"day"}
	c := &cobra.Command{
		Use:   "usage",
		Short: "Show tokens, costs and requests over time",
		Long: `Show totals of requests, tokens, costs, failures and latency, by day, model and so
on, from the history. The program need not be running.

Times are rounded to whole hours, or to whole days if there are more than two or if
days or months are shown. --since yesterday ends now; with --until today it is
yesterday alone.

Costs need prices: see price in the configuration. The cost of a request is computed
when it ends; if there was no price then, it is estimated with the current prices,
and marked with ≈.`,
		Example: "  aitunnel usage\n  aitunnel usage --by model --since 30d\n  aitunnel usage --by month,channel --since all\n  aitunnel usage --by hour --since 24h --client laptop\n  aitunnel usage --since yesterday --until today",
		Args:    command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			filter, err := f.filter(c, a.now(c.Context()))
			if err != nil {
				return err
			}
			q := history.UsageQuery{Filter: filter}
			for _, d := range by {
				if !slices.Contains(history.Dimensions, history.Dimension(d)) {
					return command.WrongUsage(c, fmt.Errorf("--by takes hour, day, month, client, channel, key and model, not %q", d))
				}
				q.By = append(q.By, history.Dimension(d))
			}
			return questionError(c, a.withHistory(c, func(h keptHistory) error { return a.usage(c.Context(), h, q, f.json) }))
		},
	}
	f.add(a, c, "7d")
	c.Flags().StringSliceVar(&by, "by", by, "group by these, separated by commas: one of hour, day and month, and any of client, channel, key, model")
	c.Flags().Lookup("by").DefValue = "day"
	_ = c.RegisterFlagCompletionFunc("by", cobra.FixedCompletions([]string{"hour", "day", "month", "client", "channel", "key", "model"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (a *app) usage(ctx context.Context, h keptHistory, q history.UsageQuery, asJSON bool) error {
	u, err := h.usage(ctx, q)
	if err != nil {
		return err
	}
	if asJSON {
		return a.PrintJSON(u)
	}
	for i, r := range u.Rows {
		u.Rows[i].Key = cmp.Or(r.KeyName, r.Key)
		if r.KeyRemoved {
			u.Rows[i].Key += " (removed)"
		}
	}
	var out strings.Builder
	writeUsage(&out, a.Paint(), u)
	_, err = io.WriteString(a.Out, out.String())
	if u.Total.Requests == 0 && err == nil {
		_, err = io.WriteString(a.Out, a.unknownNames(ctx, q.Filter))
	}
	return err
}

func writeUsage(out *strings.Builder, p term.Paint, u history.Usage) {
	if u.Total.Requests == 0 {
		out.WriteString("No requests " + usageSpan(u, time.Now()) + ".\n")
		return
	}
	fmt.Fprintf(out, "%s, %s\n\n", p.Bold(term.Count(int(u.Total.Requests), "request")), usageSpan(u, time.Now()))
	columns := []string{}
	for _, d := range u.By {
		columns = append(columns, strings.ToUpper(string(d)))
	}
	t := term.NewTable(p, append(columns, "TOKENS", ">INPUT", ">CACHED", ">OUTPUT", ">COST", ">REQUESTS", ">FAILED", ">P50", ">P90")...)
	rows, most := slices.Clone(u.Rows), int64(1)
	if !slices.ContainsFunc(u.By, func(d history.Dimension) bool {
		return d == history.ByHour || d == history.ByDay || d == history.ByMonth
	}) {
		slices.SortStableFunc(rows, func(x, y history.UsageRow) int {
			return cmp.Or(cmp.Compare(y.TokensIn+y.TokensOut, x.TokensIn+x.TokensOut), cmp.Compare(y.Requests, x.Requests))
		})
	}
	for _, r := range rows {
		most = max(most, r.TokensIn+r.TokensOut)
	}
	for _, r := range rows {
		var cells []string
		for _, d := range u.By {
			cells = append(cells, usageName(d, r.Of(d)))
		}
		t.Row(append(append(cells, bar(r.TokensIn+r.TokensOut, most)), usageFigures(p, r.UsageSums)...)...)
	}
	if len(rows) > 1 {
		total := make([]string, len(u.By))
		if len(total) > 0 {
			total[0] = p.Bold("total")
		}
		t.Row(append(append(total, ""), usageFigures(p, u.Total)...)...)
	}
	_ = t.Write(out)
	out.WriteString(unpricedText(u.Total))
}

// unpricedText says of how many requests the cost is estimated or not known, why, and what to do.
func unpricedText(s history.UsageSums) (text string) {
	const ask = "Apps get token counts of\nstreams if they ask for them with stream_options.include_usage."
	if s.Estimated > 0 {
		text = "\n≈ includes " + term.Count(int(s.Estimated), "request") + " that ended without a price, estimated with the prices of now: " + costText(s.Estimate) + ".\n"
	}
	unknown := s.Unpriced - s.Estimated
	switch n := term.Count(int(unknown), "request"); {
	case unknown == 0:
		return text
	case s.Estimated > 0:
		return text + "The cost of " + n + " is not known: there is no price for the model, or the site sent no token counts. " + ask + "\n"
	case s.UnpricedTokens == 0:
		return "\nThe cost of " + n + " is not known: the sites sent no token counts. " + ask + "\n"
	default:
		return "\nThe cost of " + n + " is not known: there is no price for the model, or the site sent no token counts.\n'aitunnel config example price' shows how to set prices; past costs are then estimated with them. " + ask + "\n"
	}
}

// usageSpan returns the period of the figures, in the configuration's time zone like
// its days: in whole days, both included, or in hours.
func usageSpan(u history.Usage, now time.Time) string {
	if u.From.IsZero() {
		return "since the history began"
	}
	first, last := u.From.Format(time.DateOnly), u.To.Add(-time.Second).Format(time.DateOnly)
	switch {
	case !isMidnight(u.From) || !isMidnight(u.To):
		const form = "2006-01-02 15:04"
		if u.To.After(now) {
			return fmt.Sprintf("from %s until now", u.From.Format(form))
		}
		return fmt.Sprintf("from %s to %s", u.From.Format(form), u.To.Format(form))
	case first == last:
		return "on " + first
	}
	return fmt.Sprintf("from %s to %s", first, last)
}

func isMidnight(t time.Time) bool {
	return t.Hour() == 0 && t.Minute() == 0
}

func usageName(d history.Dimension, name string) string {
	if d == history.ByHour {
		if t, err := time.Parse(time.RFC3339, name); err == nil {
			return t.Format("2006-01-02 15:04")
		}
	}
	return name
}

func usageFigures(p term.Paint, s history.UsageSums) []string {
	failed := ""
	if s.Failed > 0 {
		failed = p.Warn(term.Number(s.Failed))
	}
	return []string{
		term.Number(s.TokensIn), term.Number(s.TokensCacheRead), term.Number(s.TokensOut), usageCost(s), term.Number(s.Requests), failed,
		term.Millis(time.Duration(s.P50).Seconds() * 1000), term.Millis(time.Duration(s.P90).Seconds() * 1000),
	}
}

// usageCost returns the amounts of all currencies with what is estimated of them, "" if nothing is known:
// with ≈ if some of it is estimated, and ≥ if it is without some requests.
func usageCost(s history.UsageSums) string {
	all, mark := slices.Clone(s.Cost), ""
	for _, e := range s.Estimate {
		if i := slices.IndexFunc(all, func(c history.Cost) bool { return c.Currency == e.Currency }); i >= 0 {
			all[i].Amount += e.Amount
		} else {
			all = append(all, e)
		}
	}
	if s.Unpriced > s.Estimated {
		mark = "≥ "
	}
	if s.Estimated > 0 {
		mark += "≈ "
	}
	if len(all) == 0 {
		return ""
	}
	return mark + costText(all)
}

// costText returns the amounts of all currencies; "" if nothing is known.
func costText(costs []history.Cost) string {
	texts := make([]string, 0, len(costs))
	for _, c := range costs {
		texts = append(texts, view.Money(c))
	}
	return strings.Join(texts, " + ")
}

// barWidth is how many characters a bar has at most.
const barWidth = 16

// bar returns a bar for n of most, in eighths of a character.
func bar(n, most int64) string {
	eighths := int(float64(n) / float64(most) * barWidth * 8)
	if n > 0 && eighths == 0 {
		eighths = 1
	}
	out := strings.Repeat("█", eighths/8)
	if part := eighths % 8; part > 0 {
		out += string([]rune("▏▎▍▌▋▊▉")[part-1])
	}
	if out == "" {
		return " " // not a dash
	}
	return out
}

// jsonLine writes a value as one line of JSON.
func (a *app) jsonLine(v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = a.Out.Write(append(b, '\n'))
	}
	return err
}
