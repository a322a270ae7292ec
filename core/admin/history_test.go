package admin

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
)

// withHistory is a program that has a history.
type withHistory struct {
	program
	store *history.Store
}

func (p withHistory) History(ctx context.Context) (*history.Reader, error) {
	return p.store.ReadFresh(ctx)
}

// serveHistory returns the API of a program with n requests in its history, one per hour up to now.
func serveHistory(t *testing.T, n int) *Handler {
	t.Helper()
	store := history.Start(history.Options{Dir: t.TempDir()})
	t.Cleanup(func() { store.Close(t.Context()) })
	store.Configure(history.Settings{Enabled: true, Keep: 365 * 24 * time.Hour, MaxSize: 1 << 30})
	for i := range n {
		r := &event.Request{
			ID: fmt.Sprintf("req_%03d", i), Method: "POST", Path: "/v1/chat/completions", Model: "=gpt", Channel: "home", Client: "laptop", Status: 200, TokensIn: 10, TokensOut: 5,
			Cost: 1_500_000_000, Currency: "USD", Attempts: []event.Attempt{{Channel: "home", Status: 200, Verdict: "ok", Means: "good"}},
		}
		if i%10 == 9 {
			r.Model, r.Status, r.Error, r.Currency, r.Cost, r.TokensIn, r.TokensOut = "claude", 502, "channel_unavailable", "", 0, 0, 0
		}
		store.Add(time.Now().Add(-time.Duration(n-i)*time.Hour), r)
	}
	store.Flush(t.Context())
	return handlerOver(store)
}

// handlerOver returns an API that needs no token for reading.
func handlerOver(store *history.Store) *Handler {
	return New(Options{Source: withHistory{program{time.Now(), &[]string{}}, store}, Bus: event.NewBus(8, nil), Access: func() Access {
		return Access{Admin: config.Admin{Listen: "127.0.0.1:1"}, OpenReading: true}
	}, Addr: func() string { return "127.0.0.1:1" }, Now: time.Now})
}

func ask(t *testing.T, h *Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Host, r.RemoteAddr = "127.0.0.1:1", "127.0.0.1:50000"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func decode[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return v
}

func TestHistoryOverTheAPI(t *testing.T) {
	h := serveHistory(t, 250)
	var ids []string
	for cursor, more := "", true; more; more = cursor != "" {
		page := decode[history.Page](t, ask(t, h, "/api/history?limit=100&cursor="+url.QueryEscape(cursor)))
		for _, r := range page.Records {
			ids = append(ids, r.ID)
		}
		cursor = page.Next
	}
	if len(ids) != 250 || ids[0] != "req_249" || !slices.IsSortedFunc(ids, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("%d: %v", len(ids), ids)
	}
	if page := decode[history.Page](t, ask(t, h, "/api/history?failed=true&model=cl*&from=100h&status=5xx")); len(page.Records) != 10 {
		t.Errorf("%d", len(page.Records))
	}
	if r := decode[history.Record](t, ask(t, h, "/api/history/req_009")); r.Error != "channel_unavailable" || len(r.Attempts) != 1 {
		t.Errorf("%+v", r)
	}
	for path, status := range map[string]int{
		"/api/history/none": 404, "/api/history?limit=0": 400, "/api/history?limit=1001": 400, "/api/history?from=soon": 400, "/api/history?status=bad": 400, "/api/history?text=x": 400,
		"/api/history?cursor=x": 400, "/api/history?format=xml": 400, "/api/usage?by=color": 400, "/api/usage?by=day,hour": 400, "/api/usage?format=xml": 400, "/api/usage?by=x&format=csv": 400,
	} {
		if w := ask(t, h, path); w.Code != status || !strings.Contains(w.Body.String(), `"error"`) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestAnUnknownParameterIsRefused: the error has the known ones.
func TestAnUnknownParameterIsRefused(t *testing.T) {
	h := serveHistory(t, 3)
	for _, path := range []string{"/api/usage?since=today", "/api/history?since=today", "/api/usage?format=csv&failed=true", "/api/history?format=csv&by=model"} {
		w := ask(t, h, path)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "the known ones are from, to, client, channel, key, model, ") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestUsageOverTheAPI(t *testing.T) {
	h := serveHistory(t, 250)
	u := decode[history.Usage](t, ask(t, h, "/api/usage?by=model&from=30d"))
	if len(u.Rows) != 2 || u.Rows[0].Requests != 225 || u.Rows[0].TokensIn != 2250 || u.Total.Failed != 25 || u.Total.Cost[0].Amount != 225*1_500_000_000 || u.Before == nil {
		t.Errorf("%+v", u)
	}
	if u := decode[history.Usage](t, ask(t, h, "/api/usage")); len(u.Rows) < 10 || u.Rows[0].Day == "" {
		t.Errorf("by day: %+v", u.Rows)
	}
	if u := decode[history.Usage](t, ask(t, h, "/api/usage?by=")); len(u.Rows) != 1 || u.Rows[0].Requests != 250 {
		t.Errorf("by nothing: %+v", u.Rows)
	}
}

func TestHistoryAsCSVAndJSONLines(t *testing.T) {
	h := serveHistory(t, 1250)
	w := ask(t, h, "/api/history?format=csv")
	rows, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || len(rows) != 1251 || !slices.Equal(rows[0], recordColumns) || !strings.Contains(w.Header().Get("Content-Disposition"), ".csv") {
		t.Fatalf("%d rows, %v, %v", len(rows), err, w.Header())
	}
	column := func(row []string, name string) string { return row[slices.Index(recordColumns, name)] }
	if r := rows[2]; column(r, "model") != "'=gpt" || column(r, "cost") != "1.5" || column(r, "tokens_in") != "10" || column(rows[1], "cost") != "" {
		t.Errorf("%q", rows[1:3])
	}
	w = ask(t, h, "/api/history?format=jsonl&failed=true")
	lines := strings.Split(strings.TrimSpace(w.Body.String()), "\n")
	var record history.Record
	if err := json.Unmarshal([]byte(lines[0]), &record); err != nil || len(lines) != 125 || record.ID != "req_1249" {
		t.Errorf("%d lines, %v, %+v", len(lines), err, record)
	}
	rows, err = csv.NewReader(ask(t, h, "/api/usage?format=csv&by=model").Body).ReadAll()
	if err != nil || len(rows) != 3 || rows[0][0] != "model" || rows[2][0] != "claude" && rows[1][0] != "claude" {
		t.Errorf("%q, %v", rows, err)
	}
	if lines := strings.Split(strings.TrimSpace(ask(t, h, "/api/usage?format=jsonl&by=model").Body.String()), "\n"); len(lines) != 2 {
		t.Errorf("%q", lines)
	}
}

func TestWithoutAHistory(t *testing.T) {
	store := history.Start(history.Options{Dir: t.TempDir()})
	defer store.Close(t.Context())
	h := handlerOver(store)
	for _, path := range []string{"/api/history", "/api/history/x", "/api/usage", "/api/history?format=csv"} {
		if w := ask(t, h, path); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "no_history") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestDaysByName: a day begins at midnight in the time zone of the given time.
func TestDaysByName(t *testing.T) {
	zone := time.FixedZone("far", 14*3600)
	now := time.Date(2026, 11, 27, 5, 4, 5, 0, zone)
	for name, want := range map[string]time.Time{
		"today": time.Date(2026, 11, 27, 0, 0, 0, 0, zone), "yesterday": time.Date(2026, 11, 26, 0, 0, 0, 0, zone), "2026-11-20": time.Date(2026, 11, 20, 0, 0, 0, 0, zone),
	} {
		if got, err := HistoryMoment(name, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// The reason for a channel is shown for a recent request, although the history does not store texts
// of plugins.
func TestReasonsOfARecentRequest(t *testing.T) {
	h := serveHistory(t, 2)
	h.options.Bus.Publish(event.Event{Type: event.TypeRequest, Request: &event.Request{
		ID: "req_001", Attempts: []event.Attempt{{Channel: "home", Plan: 7, Reason: "served the session before"}},
	}})
	if r := decode[history.Record](t, ask(t, h, "/api/history/req_001")); r.Attempts[0].Reason != "served the session before" || r.Attempts[0].Plan != 7 {
		t.Errorf("%+v", r.Attempts)
	}
	if r := decode[history.Record](t, ask(t, h, "/api/history/req_000")); r.Attempts[0].Reason != "" {
		t.Errorf("another request: %+v", r.Attempts)
	}
}
