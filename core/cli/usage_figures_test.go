//go:build linux

package cli

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
)

// TestUsageFiguresAgree to the last token: those of the command while the program runs, which
// come from its API, those after it has stopped, and those of a plain query of the database.
func TestUsageFiguresAgree(t *testing.T) {
	t.Parallel()
	i := startBackground(t, "http://127.0.0.1:1", "history {\n keep = \"400d\"\n}\n")
	i.run("stop")
	fillHistory(t, i.state)
	i.run("start", "-c", i.config)

	figures := map[string]map[string]history.UsageSums{}
	ask := func(name string) {
		for _, by := range []string{"model", "channel", "client", "key", "month"} {
			var u history.Usage
			cmd := exec.Command("aitunnel", "usage", "--by", by, "--since", "300d", "--json", "--state-dir", i.state)
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s, by %s: %v", name, by, err)
			}
			if err := json.Unmarshal(out, &u); err != nil {
				t.Fatal(err)
			}
			sums := map[string]history.UsageSums{"total": u.Total}
			for _, r := range u.Rows {
				sums[r.Model+r.Channel+r.Client+r.Key+r.Month] = r.UsageSums
			}
			figures[name+" "+by] = sums
		}
	}
	ask("running")
	i.run("stop")
	ask("stopped")

	db, err := sql.Open("sqlite", filepath.Join(i.state, history.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, by := range []string{"model", "channel", "client", "key", "month"} {
		column := by
		if by == "month" {
			column = "strftime('%Y-%m', time / 1000, 'unixepoch', 'localtime')"
		}
		rows, err := db.Query("SELECT " + column + ", count(*), sum(failed), sum(tokens_in), sum(tokens_out), sum(tokens_cache_read), sum(tokens_cache_write), sum(tokens_reasoning), sum(cost) FROM requests GROUP BY 1 UNION ALL SELECT 'total', count(*), sum(failed), sum(tokens_in), sum(tokens_out), sum(tokens_cache_read), sum(tokens_cache_write), sum(tokens_reasoning), sum(cost) FROM requests")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for ; rows.Next(); n++ {
			var name string
			var want history.UsageSums
			var cost int64
			if err := rows.Scan(&name, &want.Requests, &want.Failed, &want.TokensIn, &want.TokensOut, &want.TokensCacheRead, &want.TokensCacheWrite, &want.TokensReasoning, &cost); err != nil {
				t.Fatal(err)
			}
			for _, when := range []string{"running", "stopped"} {
				got := figures[when+" "+by][name]
				if len(got.Cost) != 1 || fmt.Sprint(got.Cost[0].Amount) != fmt.Sprint(event.Money(cost)) {
					t.Errorf("%s, %s %q costs %v, the database has %v", when, by, name, got.Cost, event.Money(cost))
				}
				if got.Requests != want.Requests || got.Failed != want.Failed || got.TokensIn != want.TokensIn || got.TokensOut != want.TokensOut ||
					got.TokensCacheRead != want.TokensCacheRead || got.TokensCacheWrite != want.TokensCacheWrite || got.TokensReasoning != want.TokensReasoning {
					t.Errorf("%s, %s %q\n got %+v\nwant %+v", when, by, name, got, want)
				}
			}
		}
		_ = rows.Close()
		if n < 3 || n != len(figures["running "+by]) || n != len(figures["stopped "+by]) {
			t.Errorf("by %s: %d rows in the database, %d and %d from the command", by, n, len(figures["running "+by]), len(figures["stopped "+by]))
		}
	}
}

// fillHistory adds 3,000 requests of 200 days to the history.
func fillHistory(t *testing.T, stateDir string) {
	t.Helper()
	const n, span = 3000, 200 * 24 * time.Hour
	store := history.Start(history.Options{Dir: stateDir})
	defer store.Close(t.Context())
	store.Configure(history.Settings{Enabled: true, Keep: 800 * 24 * time.Hour, MaxSize: 1 << 30})
	random := rand.New(rand.NewPCG(3, 4))
	oneOf := func(all ...string) string { return all[random.IntN(len(all))] }
	for k := range n {
		r := &event.Request{
			ID: fmt.Sprintf("req_%012d", k), Method: "POST", Path: "/v1/chat/completions", Model: oneOf("gpt-5", "claude-sonnet-4-5", "gemini-2.5-pro"), Channel: oneOf("primary", "backup"),
			Key: oneOf("k1", "k2", "k3"), Client: oneOf("laptop", "openclaw"), Dialect: "openai", Endpoint: "generate", Status: 200,
			TokensIn: random.Uint64N(1 << 40), TokensOut: random.Uint64N(3000), TokensCacheRead: random.Uint64N(100), TokensCacheWrite: random.Uint64N(50), TokensReasoning: random.Uint64N(900),
			TTFB: event.Millis(time.Second), Total: event.Millis(3 * time.Second), Cost: event.Money(random.Int64N(5e7)), Currency: "USD",
		}
		r.Attempts = []event.Attempt{{Channel: r.Channel, Key: r.Key, Status: 200, Verdict: "ok", Means: "good"}}
		if k%40 == 0 {
			r.Status, r.Error = 502, "channel_unavailable"
		}
		store.Add(time.Now().Add(-span+span/n*time.Duration(k)), r)
		if k%500 == 499 {
			store.Flush(t.Context())
		}
	}
	store.Flush(t.Context())
}
