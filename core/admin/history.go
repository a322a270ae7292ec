package admin

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/history"
	"github.com/aitunnel/aitunnel/sdk"
)

// historyTime is the time limit of a query of the history.
const historyTime = 15 * time.Second

// The parameters of queries of the history.
var (
	nameParameters = []parameter{
		{"from", "not before: RFC 3339, a day such as 2026-11-26, today, yesterday, or how long ago, such as 7d"}, {"to", "before, in the same forms; by default now"},
		{"client", "of this client; * matches any characters"}, {"channel", "of this channel; * matches any characters"},
		{"key", "of this key: its ID or what lists call it, also before its ID changed; * matches any characters of the ID"}, {"model", "for this model; * matches any characters"},
	}
	historyParameters = append(append([]parameter{}, nameParameters...),
		parameter{"status", "a status such as 502, or a class such as 5xx"}, parameter{"verdict", "what the last answer means, such as rate_limited"},
		parameter{"failed", "true: only failed requests"}, parameter{"retried", "true: only requests with more than one attempt"}, parameter{"text", "in the ID, path, model or error; needs from"},
		parameter{"limit", "how many; default 100, at most 1000"}, parameter{"cursor", "next of the previous page"},
		parameter{"format", "json (the default), or csv or jsonl for all that match, as a file"})
	usageParameters = append(append([]parameter{}, nameParameters...),
		parameter{"by", "what to group by, separated by commas: one of hour, day and month, and any of client, channel, key, model; default day"},
		parameter{"format", "json (the default), or csv or jsonl for the rows, as a file"})
)

// historyEndpoints are the endpoints for the history.
func (h *Handler) historyEndpoints() []endpoint {
	return []endpoint{
		{method: "GET", path: "/api/history", access: observes, summary: "Requests, the newest first", handle: h.history, out: history.Page{}, fails: []int{400, 409}, query: historyParameters},
		{method: "GET", path: "/api/history/{id}", access: observes, summary: "A request with its attempts", handle: h.historyRecord, out: history.Record{}, fails: []int{404, 409}},
		{method: "GET", path: "/api/usage", access: observes, summary: "Sums of requests", handle: h.usage, out: history.Usage{}, fails: []int{400, 409}, query: usageParameters},
	}
}

// ask answers with the result of f.
func (h *Handler) ask(w http.ResponseWriter, r *http.Request, f func(context.Context, *history.Reader) (any, error)) {
	reader, err := h.options.Source.History(r.Context())
	if err == nil {
		ctx, cancel := context.WithTimeout(r.Context(), historyTime)
		defer cancel()
		var v any
		if v, err = f(ctx, reader); err == nil {
			reply(w, http.StatusOK, v)
			return
		}
		if ctx.Err() != nil {
			err = Invalid("the query takes too long: choose a shorter period")
		}
	}
	answer(w, http.StatusOK, nil, historyError(err))
}

func historyError(err error) error {
	wrong, missing := (*history.QueryError)(nil), (*history.NotFoundError)(nil)
	switch {
	case errors.As(err, &wrong):
		return Invalid(wrong.Message)
	case errors.As(err, &missing):
		return NotFound(missing.Error())
	case errors.Is(err, history.ErrNoHistory):
		return Refused("no_history", "there is no history: it is turned off, or its file cannot be opened")
	}
	return err
}

func (h *Handler) historyRecord(w http.ResponseWriter, r *http.Request) {
	h.ask(w, r, func(ctx context.Context, reader *history.Reader) (any, error) {
		record, err := reader.Request(ctx, r.PathValue("id"))
		h.addReasons(&record)
		return record, err
	})
}

// addReasons adds why each channel was chosen, if the request is recent. The history does not
// store these reasons, since plugins write them.
func (h *Handler) addReasons(record *history.Record) {
	for _, e := range h.options.Bus.Recent(maxRecent) {
		if e.Request == nil || e.Request.ID != record.ID || len(e.Request.Attempts) != len(record.Attempts) {
			continue
		}
		for i, a := range e.Request.Attempts {
			record.Attempts[i].Plan, record.Attempts[i].Reason = a.Plan, a.Reason
		}
	}
}

func (h *Handler) history(w http.ResponseWriter, r *http.Request) {
	q, err := queryOf(r, historyParameters)
	filter := history.Filter{}
	if err == nil {
		filter, err = h.historyFilter(q)
	}
	limit := 100
	if s := q.Get("limit"); s != "" && err == nil {
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > history.MaxPage {
			err = Invalid(fmt.Sprintf("limit must be a number from 1 to %d", history.MaxPage))
		}
	}
	if err != nil {
		answer(w, http.StatusOK, nil, err)
		return
	}
	if format := q.Get("format"); format != "" && format != "json" {
		h.exportHistory(w, r, filter, format)
		return
	}
	h.ask(w, r, func(ctx context.Context, reader *history.Reader) (any, error) {
		return reader.Requests(ctx, filter, q.Get("cursor"), limit)
	})
}

// queryOf returns the query of a request, or an error if it has unknown parameters, which would
// otherwise be ignored silently.
func queryOf(r *http.Request, known []parameter) (url.Values, error) {
	q, names := r.URL.Query(), []string{}
	for _, p := range known {
		names = append(names, p.name)
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(names, name) {
			return nil, Invalid(fmt.Sprintf("there is no parameter %q: the known ones are %s", name, strings.Join(names, ", ")))
		}
	}
	return q, nil
}

func (h *Handler) historyFilter(q url.Values) (f history.Filter, err error) {
	f = history.Filter{
		Client: q.Get("client"), Channel: q.Get("channel"), Key: q.Get("key"), Model: q.Get("model"),
		Status: q.Get("status"), Verdict: q.Get("verdict"), Text: q.Get("text"), Failed: q.Get("failed") == "true",
		Retried: q.Get("retried") == "true",
	}
	if f.From, err = h.historyMoment("from", q.Get("from")); err == nil {
		f.To, err = h.historyMoment("to", q.Get("to"))
	}
	return f, err
}

func (h *Handler) historyMoment(name, s string) (time.Time, error) {
	t, err := HistoryMoment(s, h.options.Now())
	if err != nil {
		return t, Invalid(name + ": " + err.Error())
	}
	return t, nil
}

// HistoryMoment parses a time of a query of the history: RFC 3339, a day, today or yesterday, or
// how long ago. Days are in the time zone of now. "" is the zero time.
func HistoryMoment(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if days, named := map[string]int{"today": 0, "yesterday": -1}[s]; named {
		y, m, d := now.Date()
		return time.Date(y, m, d+days, 0, 0, 0, 0, now.Location()), nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, now.Location()); err == nil {
		return t, nil
	}
	if ago, err := sdk.ParseDuration(s); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf(`%q is not a time: expected one such as 2026-11-26T08:00:00Z, a day such as 2026-11-26, today or yesterday, or how long ago, such as 90m or 7d`, s)
}

func (h *Handler) usage(w http.ResponseWriter, r *http.Request) {
	q, err := queryOf(r, usageParameters)
	filter := history.Filter{}
	if err == nil {
		filter, err = h.historyFilter(q)
	}
	if err != nil {
		answer(w, http.StatusOK, nil, err)
		return
	}
	question := history.UsageQuery{Filter: filter, By: []history.Dimension{history.ByDay}}
	if q.Has("by") {
		question.By = nil
		for d := range strings.SplitSeq(q.Get("by"), ",") {
			if d != "" {
				question.By = append(question.By, history.Dimension(d))
			}
		}
	}
	ask := func(ctx context.Context, reader *history.Reader) (any, error) {
		return reader.Usage(ctx, question, h.options.Now())
	}
	if format := q.Get("format"); format != "" && format != "json" {
		h.exportUsage(w, r, question, format)
		return
	}
	h.ask(w, r, ask)
}

// export begins an answer that is a file.
func (h *Handler) export(w http.ResponseWriter, r *http.Request, format, name string) (out *table, reader *history.Reader, ok bool) {
	kind := map[string]string{"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}[format]
	if kind == "" {
		answer(w, http.StatusOK, nil, Invalid("format must be json, csv or jsonl"))
		return nil, nil, false
	}
	reader, err := h.options.Source.History(r.Context())
	if err != nil {
		answer(w, http.StatusOK, nil, historyError(err))
		return nil, nil, false
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", fmt.Sprintf("%s-%s.%s", name, h.options.Now().Format("20060102-150405"), format)))
	return newTable(w, format), reader, true
}

func (h *Handler) exportHistory(w http.ResponseWriter, r *http.Request, f history.Filter, format string) {
	out, reader, ok := h.export(w, r, format, "aitunnel-requests")
	if !ok {
		return
	}
	// After the first rows, an error can only be shown by aborting the answer.
	if err := errors.Join(reader.Each(r.Context(), f, func(record history.Record) error { return out.add(record, recordColumns, recordCells(record)) }), out.end(recordColumns)); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (h *Handler) exportUsage(w http.ResponseWriter, r *http.Request, q history.UsageQuery, format string) {
	out, reader, ok := h.export(w, r, format, "aitunnel-usage")
	if !ok {
		return
	}
	usage, err := reader.Usage(r.Context(), q, h.options.Now())
	if err != nil {
		w.Header().Del("Content-Disposition")
		answer(w, http.StatusOK, nil, historyError(err))
		return
	}
	columns := usageColumns(q.By)
	for _, row := range usage.Rows {
		if err := out.add(row, columns, usageCells(row, q.By)); err != nil {
			return
		}
	}
	_ = out.end(columns)
}

// table writes rows as CSV, or as lines of JSON.
type table struct {
	lines *bufio.Writer
	csv   *csv.Writer // nil for JSON
	begun bool
}

func newTable(w io.Writer, format string) *table {
	t := &table{lines: bufio.NewWriter(w)}
	if format == "csv" {
		t.csv = csv.NewWriter(t.lines)
	}
	return t
}

func (t *table) add(row any, columns, cells []string) error {
	if t.csv == nil {
		b, err := json.Marshal(row)
		if err == nil {
			_, err = t.lines.Write(append(b, '\n'))
		}
		return err
	}
	if err := t.head(columns); err != nil {
		return err
	}
	for i, s := range cells {
		if s != "" && strings.ContainsAny(s[:1], "=+-@\t\r") {
			cells[i] = "'" + s // or a spreadsheet would evaluate it
		}
	}
	return t.csv.Write(cells)
}

func (t *table) head(columns []string) error {
	if t.begun {
		return nil
	}
	t.begun = true
	return t.csv.Write(columns)
}

func (t *table) end(columns []string) error {
	if t.csv != nil {
		if err := t.head(columns); err != nil {
			return err
		}
		t.csv.Flush()
	}
	return t.lines.Flush()
}
