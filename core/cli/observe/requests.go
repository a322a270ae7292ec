package observe

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/cli/internal/view"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// requestFlags are the flags of requests.
type requestFlags struct {
	historyFlags
	status, verdict, text string
	failed, retried       bool
	most                  int
}

func (a *app) requestsCommand() *cobra.Command {
	f := requestFlags{most: 50}
	c := &cobra.Command{
		Use:   "requests [ID]",
		Short: "Show past requests, or one with its attempts",
		Long: `Show the requests in the history, newest last, with their time, status, channel,
tokens and cost. With the ID of a request, which is also in the header
X-Aitunnel-Request-Id of its answer, show that request with its attempts. The
program need not be running.`,
		Example: "  aitunnel requests\n  aitunnel requests --since 2h --model 'gpt-*' --failed\n  aitunnel requests --status 5xx --channel primary -n 200\n  aitunnel requests req_1234567890abcdef",
		Args:    command.AtMostOne,
		RunE: func(c *cobra.Command, args []string) error {
			filter, err := f.filter(c, a.now(c.Context()))
			if err != nil {
				return err
			}
			if f.most < 1 {
				return command.WrongUsage(c, fmt.Errorf("-n must be at least 1, but it is %d", f.most))
			}
			if known := meansCodes(); f.verdict != "" && !strings.Contains(f.verdict, "*") && !slices.Contains(known, f.verdict) {
				return command.WrongUsage(c, fmt.Errorf("--verdict takes one of %s, not %q", strings.Join(known, ", "), f.verdict))
			}
			filter.Status, filter.Verdict, filter.Text, filter.Failed, filter.Retried = f.status, f.verdict, f.text, f.failed, f.retried
			return questionError(c, a.withHistory(c, func(h keptHistory) error {
				if len(args) == 1 && args[0] != "list" { // the word of other commands
					return a.oneRequest(c.Context(), h, args[0], f.json)
				}
				return a.requests(c.Context(), h, filter, f)
			}))
		},
	}
	f.add(a, c, "24h")
	flags := c.Flags()
	flags.BoolVar(&f.failed, "failed", false, "only failed requests")
	flags.BoolVar(&f.retried, "retried", false, "only requests with more than one attempt")
	flags.StringVar(&f.status, "status", "", "only with this status, such as 502, or class, such as 5xx")
	flags.StringVar(&f.verdict, "verdict", "", "only where the last answer meant this, such as rate_limited")
	flags.StringVar(&f.text, "text", "", "only with this text in the ID, path, model or error")
	flags.IntVarP(&f.most, "lines", "n", f.most, "number of requests to show")
	_ = c.RegisterFlagCompletionFunc("verdict", cobra.FixedCompletions(meansCodes(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// meansCodes returns the meanings that an answer of a site can have.
func meansCodes() (all []string) {
	for _, m := range verdict.Meanings {
		all = append(all, string(m.Means))
	}
	return all
}

// find returns the newest requests that match, the newest first, and whether there are
// more.
func find(ctx context.Context, h keptHistory, f history.Filter, most int) (found []history.Record, more bool, err error) {
	for cursor := ""; ; {
		page, err := h.page(ctx, f, cursor, min(most-len(found), history.MaxPage))
		if err != nil {
			return nil, false, err
		}
		found = append(found, page.Records...)
		if cursor = page.Next; cursor == "" || len(found) >= most {
			return found, cursor != "", nil
		}
	}
}

func (a *app) requests(ctx context.Context, h keptHistory, filter history.Filter, f requestFlags) error {
	found, more, err := find(ctx, h, filter, f.most)
	if err != nil {
		return err
	}
	slices.Reverse(found)
	if f.json {
		for _, r := range found {
			if err := a.jsonLine(r); err != nil {
				return err
			}
		}
		return nil
	}
	var out strings.Builder
	p := a.Paint()
	if len(found) == 0 {
		out.WriteString("No matching requests.\n" + a.unknownNames(ctx, filter))
	} else {
		_ = requestTable(p, found).Write(&out)
	}
	if more {
		fmt.Fprintf(&out, "\n%s\n", p.Dim(fmt.Sprintf("Older ones are not shown; -n %d shows more.", 10*f.most)))
	}
	_, err = io.WriteString(a.Out, out.String())
	return err
}

func requestTable(p term.Paint, records []history.Record) *term.Table {
	t := term.NewTable(p, "TIME", "STATUS", "MODEL", "CHANNEL", "CLIENT", ">INPUT", ">OUTPUT", ">COST", ">FIRST", ">TOTAL", ">RETRIES", "ERROR", "ID")
	for _, r := range records {
		again := ""
		if r.Retries > 0 {
			again = p.Warn(strconv.Itoa(r.Retries))
		}
		t.Row(term.Clock(r.Time), statusText(p, r), r.Model, r.Channel, r.Client, tokenText(r.TokensIn), tokenText(r.TokensOut), recordCost(r),
			took(r.TTFB), took(r.Total), again, r.Error, p.Dim(r.ID))
	}
	return t
}

func took(m event.Millis) string { return term.Millis(time.Duration(m).Seconds() * 1000) }

func statusText(p term.Paint, r history.Record) string {
	text := strconv.Itoa(r.Status)
	switch {
	case r.Failed && (r.Status >= 500 || r.Status < 400):
		return p.Bad(text)
	case r.Failed:
		return p.Warn(text)
	case r.Status == 499:
		return p.Dim(text)
	}
	return p.Good(text)
}

// tokenText returns a number of tokens, "" where none is reported.
func tokenText(n uint64) string {
	if n == 0 {
		return ""
	}
	return term.Number(n)
}

func recordCost(r history.Record) string {
	if r.Currency == "" {
		return ""
	}
	return view.Money(history.Cost{Amount: r.Cost, Currency: r.Currency})
}

func (a *app) oneRequest(ctx context.Context, h keptHistory, id string, asJSON bool) error {
	r, err := h.request(ctx, id)
	if err != nil {
		return err
	}
	if asJSON {
		return a.PrintJSON(r)
	}
	var out strings.Builder
	a.NameKeys(ctx, a.Client())
	r.Key = a.KeyNames.Name(r.Channel, r.Key)
	r.Attempts, r.PassedOver = a.KeyNames.Attempts(r.Attempts, r.PassedOver)
	writeRequest(&out, a.Paint(), r, a.Auths)
	_, err = io.WriteString(a.Out, out.String())
	return err
}

func writeRequest(out *strings.Builder, p term.Paint, r history.Record, auths map[string]string) {
	fmt.Fprintf(out, "%s %s %s%s\n", statusText(p, r), r.Method, r.Path, term.After(": ", r.Error))
	if r.Message != "" {
		fmt.Fprintf(out, "The caller was told: %s.\n", strings.TrimSuffix(r.Message, "."))
	}
	out.WriteString("\n")
	sent := r.Model
	if r.Sent != "" {
		sent += ", sent as " + r.Sent
	}
	tokens, cost := recordTokens(r), recordCost(r)
	if cost == "" && tokens != "" {
		cost = "not known"
	}
	for _, line := range [][2]string{
		{"ID", r.ID}, {"Time", r.Time.Local().Format("2006-01-02 15:04:05.000 -07:00")}, {"Client", r.Client}, {"Tunnel", r.Entry}, {"Model", sent}, {"Route", r.Route},
		{"Channel", r.Channel}, {"Key", r.Key}, {"Egress", r.Egress}, {"First byte", took(r.TTFB)}, {"First content", took(r.Content)}, {"Total", took(r.Total)}, {"Tokens", tokens}, {"Cost", cost},
		{"Bytes", fmt.Sprintf("%s in, %s out", term.Number(r.BytesIn), term.Number(r.BytesOut))},
	} {
		if line[1] != "" {
			fmt.Fprintf(out, "%s %s\n", p.Dim(fmt.Sprintf("%-13s", line[0])), line[1])
		}
	}
	if len(r.Attempts) == 0 {
		out.WriteString("\nNo channel was asked.\n")
	} else {
		out.WriteString("\n")
		_ = attemptTable(p, r.Attempts).Write(out)
		writeReasons(out, p, r.Attempts)
		writeFailures(out, p, r, auths)
	}
	if hint := pathHint(r); hint != "" {
		fmt.Fprintf(out, "\n%s %s\n", p.Warn("Hint:"), hint)
	}
	if len(r.PassedOver) > 0 {
		out.WriteString("\nNot available then:\n")
		for _, o := range r.PassedOver {
			fmt.Fprintf(out, "  %s: %s\n", p.Bold(o.Channel), view.PassedOverText(o))
		}
	}
}

// recordTokens returns the tokens of a request; "" for a kind of request without any.
func recordTokens(r history.Record) string {
	part := func(n uint64, of string) string {
		if n == 0 {
			return ""
		}
		return term.Number(n) + of
	}
	list := func(parts ...string) string {
		parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
		if len(parts) == 0 {
			return ""
		}
		return " (" + strings.Join(parts, ", ") + ")"
	}
	switch {
	case r.TokensIn+r.TokensOut > 0:
		return term.Number(r.TokensIn) + " in" + list(part(r.TokensCacheRead, " from the cache"), part(r.TokensCacheWrite, " into the cache")) + ", " +
			term.Number(r.TokensOut) + " out" + list(part(r.TokensReasoning, " reasoning"))
	case r.Failed || r.Endpoint != "generate" || r.Status < 200 || r.Status >= 400:
		return ""
	case r.Stream && strings.HasSuffix(r.Path, "/completions"):
		return "the site sent none; ask for them with stream_options.include_usage"
	}
	return "the site sent none"
}

// pathHint returns what is most likely wrong with the base URL of the app that sent an
// unknown path; "" if nothing is.
func pathHint(r history.Record) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
	notFound := r.Status == http.StatusNotFound || r.Status == http.StatusMethodNotAllowed
	if notFound && slices.Contains([]string{"chat", "completions", "responses", "messages", "embeddings", "models"}, first) {
		return "the path has no version: the base URL in the app should end with /v1."
	}
	return ""
}

// writeReasons writes why each channel was chosen: the reason of the plan, or of the
// strategy that routed the request.
func writeReasons(out *strings.Builder, p term.Paint, attempts []event.Attempt) {
	title := "\nChosen because:\n"
	for i, at := range attempts {
		if at.Reason == "" {
			continue
		}
		fmt.Fprintf(out, "%s  %s %s\n", title, p.Bold(fmt.Sprintf("%d %s:", i+1, at.Channel)), at.Reason)
		title = ""
	}
}

// writeFailures writes the result of each failed attempt, and how to see the answer of
// the site, which is not stored.
func writeFailures(out *strings.Builder, p term.Paint, r history.Record, auths map[string]string) {
	answered := ""
	for i, at := range r.Attempts {
		text := view.AttemptText(at)
		if text == "" {
			continue
		}
		if answered == "" {
			out.WriteString("\nWhat failed:\n")
		}
		answered = cmp.Or(at.Channel, answered)
		fmt.Fprintf(out, "  %s %s\n", p.Bold(fmt.Sprintf("%d %s:", i+1, at.Channel)), text)
	}
	if answered != "" {
		again := "The answers of sites are not stored."
		if isTested(r.Path, auths[answered]) {
			again = fmt.Sprintf("The answers of sites are not stored; 'aitunnel channel test %s%s' sends a new request and shows the answer.", answered, term.After(" --model ", r.Model))
		}
		fmt.Fprintf(out, "%s\n", p.Dim(again))
	}
}

// isTested reports whether 'channel test' can test the API of the path at a channel
// with this auth setting.
func isTested(path, auth string) bool {
	switch config.AuthStyle(auth) {
	case config.AuthXAPIKey:
		return strings.HasSuffix(path, "/messages")
	case config.AuthXGoogAPIKey:
		return strings.HasSuffix(path, ":generateContent") || strings.HasSuffix(path, ":streamGenerateContent")
	}
	return strings.HasSuffix(path, "/chat/completions")
}

func attemptTable(p term.Paint, attempts []event.Attempt) *term.Table {
	t := term.NewTable(p, ">#", "CHANNEL", "KEY", ">STATUS", "MEANS", "RULE", ">WAITED", ">FIRST", ">TOTAL", "MODEL")
	for i, at := range attempts {
		status := ""
		if at.Status > 0 {
			status = strconv.Itoa(at.Status)
		}
		t.Row(strconv.Itoa(i+1), at.Channel, at.Key, status, at.Means, at.Rule, took(at.Wait), took(at.TTFB), took(at.Total), at.Model)
	}
	return t
}
