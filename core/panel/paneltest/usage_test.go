package paneltest

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
)

// remember writes n requests into the history of a stopped daemon, over a span of time up to
// now.
func remember(t *testing.T, n int, span time.Duration) func(*daemon.Options) {
	return func(o *daemon.Options) {
		t.Helper()
		if err := os.MkdirAll(o.StateDir, 0o700); err != nil {
			t.Fatal(err)
		}
		store := history.Start(history.Options{Dir: o.StateDir})
		defer store.Close(t.Context())
		store.Configure(history.Settings{Enabled: true, Keep: 800 * 24 * time.Hour, MaxSize: 1 << 30})
		random := rand.New(rand.NewPCG(1, 2))
		names := []string{"gpt-5", "gpt-5-mini", "claude-sonnet-4-5", "gemini-2.5-pro", "o4", "llama-4", "deepseek-v4", "text-embedding-3-large", "qwen-4"}
		for i := range n {
			at := time.Now().Add(-span + span/time.Duration(n)*time.Duration(i))
			model := names[int(float64(len(names))*random.Float64()*random.Float64())]
			r := &event.Request{
				ID: fmt.Sprintf("req_%012d", i), Method: "POST", Path: "/v1/chat/completions", Route: "/v1/**", Model: model, Channel: []string{"primary", "backup"}[random.IntN(8)/7], Key: "k1",
				Client: []string{"laptop", "openclaw"}[random.IntN(2)], Dialect: "openai", Endpoint: "generate", Status: 200, TokensIn: uint64(random.IntN(20000)), TokensOut: uint64(random.IntN(3000)), TokensCacheRead: 100,
				TTFB: event.Millis(time.Duration(200+random.IntN(900)) * time.Millisecond), Total: event.Millis(3 * time.Second), Cost: event.Money(random.Int64N(5e7)), Currency: "USD",
				Attempts: []event.Attempt{{Channel: "primary", Status: 200, Verdict: "ok", Means: "good"}},
			}
			if i%40 == 0 {
				r.Status, r.Error, r.Currency, r.Cost, r.TokensIn, r.TokensOut, r.TokensCacheRead = 502, "channel_unavailable", "", 0, 0, 0, 0
				r.Attempts[0].Verdict, r.Attempts[0].Means, r.Attempts[0].Status = "channel", "broken", 502
			}
			store.Add(at, r)
			if i%1000 == 999 { // more would be more than the sums of a moment
				store.Flush(t.Context())
			}
		}
		store.Flush(t.Context())
	}
}

// usage returns the usage from the API.
func (r *running) usage(query string) (u history.Usage) {
	r.t.Helper()
	resp := r.get("/api/usage?" + query)
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&u); err != nil {
		r.t.Fatal(err)
	}
	return u
}

// TestEstimatedCostsAreMarked: the cost of requests that ended without a price is estimated
// with the current prices, and marked as estimated in the totals and in the table.
func TestEstimatedCostsAreMarked(t *testing.T) {
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, "price \"gpt-5\" {\n  input = 2\n}\n"), func(o *daemon.Options) {
		if err := os.MkdirAll(o.StateDir, 0o700); err != nil {
			t.Fatal(err)
		}
		store := history.Start(history.Options{Dir: o.StateDir})
		defer store.Close(t.Context())
		store.Configure(history.Settings{Enabled: true, Keep: 800 * 24 * time.Hour, MaxSize: 1 << 30})
		for _, model := range []string{"gpt-5", "another"} {
			store.Add(time.Now().Add(-48*time.Hour), &event.Request{ID: "req_" + model, Model: model, Channel: "primary", Key: "k1", Endpoint: "generate", Status: 200, TokensIn: 1_000_000})
		}
		store.Flush(t.Context())
	})
	for language, words := range map[string]string{"en": "≈ includes 2.00 USD for 1 request, estimated", "zh": "≈ 含 1 个请求的估算费用 2.00 USD"} {
		p := r.open("/#usage", 1280, 900)
		p.language(language)
		p.shows("#view-usage .cost", "≥ ≈ 2.00 USD")
		p.shows("#view-usage .cost", words)
		p.shows("#view-usage section .figures-table", "≈ 2.00 USD")
		p.shots("usage-estimated-" + language)
	}
}

// TestTheChartIsNeverWiderThanThePage, also before it is drawn again for a narrower one.
func TestTheChartIsNeverWiderThanThePage(t *testing.T) {
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, ""), remember(t, 100, 5*24*time.Hour))
	p := r.open("/#usage", 360, 800)
	p.until(`document.querySelector('#view-usage .chart-frame[data-ready]')`)
	if wide := eval[int](p, `(() => { document.querySelector('.chart').setAttribute('width', 1395); return document.documentElement.scrollWidth; })()`); wide > 360 {
		t.Errorf("the page is %d px wide", wide)
	}
}

// TestUsage compares the figures of the page with those of the API, in both languages, and
// uses the chart with the keyboard.
func TestUsage(t *testing.T) {
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, ""), remember(t, 6000, 364*24*time.Hour))
	p := r.open("/#usage", 1280, 900)
	p.until(`document.querySelector('#view-usage .chart-frame[data-ready]')`)
	p.press("#view-usage", "365 days")
	p.click(`document.querySelector('#view-usage summary')`)
	p.until(`document.querySelectorAll('#view-usage details tbody tr').length > 300`)
	u := r.usage("by=model&from=364d")
	rows := eval[[][]string](p, `[...document.querySelectorAll('#view-usage .figures-table')][0] && [...document.querySelectorAll('#view-usage section .figures-table tbody tr')].map((r) => [...r.children].map((c) => c.textContent))`)
	if len(rows) != len(u.Rows) {
		t.Fatalf("%d rows, the API has %d", len(rows), len(u.Rows))
	}
	shown := map[string][]string{}
	for _, row := range rows {
		shown[row[0]] = row
	}
	for _, row := range u.Rows {
		got := shown[row.Model]
		if len(got) != 9 || strings.ReplaceAll(got[1], ",", "") != fmt.Sprint(row.Requests) || strings.ReplaceAll(got[3], ",", "") != fmt.Sprint(row.TokensIn) || strings.ReplaceAll(got[5], ",", "") != fmt.Sprint(row.TokensOut) {
			t.Errorf("%q, the API has %+v", got, row)
		}
	}
	if label := eval[string](p, `document.querySelector('.chart-frame').getAttribute('aria-label')`); !strings.Contains(label, "Tokens from ") || !strings.Contains(label, "Most: gpt-5") {
		t.Errorf("the chart is described as %q", label)
	}
	if n := eval[int](p, `document.querySelectorAll('.chart .series').length`); n != 7 {
		t.Errorf("%d series", n)
	}
	p.click(`document.querySelector('#view-usage summary')`)
	p.until(`!document.querySelector('#view-usage details').open`)
	took := eval[float64](p, `(() => { const v = document.querySelector('#view-usage'); const at = performance.now(); v.dispatchEvent(new Event('shown')); document.querySelector('.chart').getBoundingClientRect(); return performance.now() - at; })()`)
	t.Logf("a year by day is drawn in %.1f ms", took)
	p.shots("usage-year")

	for _, day := range []struct{ words, query string }{{"Yesterday", "by=hour&from=yesterday&to=today"}, {"Today", "by=hour&from=today"}} {
		p.press("#view-usage", day.words)
		u := r.usage(day.query)
		if u.Total.Requests == 0 { // soon after midnight
			p.shows("#view-usage", "No requests in this period.")
			continue
		}
		p.until(`document.querySelector('#view-usage .requests strong')?.textContent === %s`, fmt.Sprint(u.Total.Requests))
	}
	p.press("#view-usage", "30 days")
	p.until(`document.querySelector('#view-usage .requests strong')?.textContent === %s`, fmt.Sprint(r.usage("by=day&from=29d").Total.Requests))
	p.press("#view-usage", "Cost")
	p.until(`document.querySelector('.chart-frame').getAttribute('aria-label').startsWith('Cost ')`)
	p.click(`document.querySelector('.chart-frame')`)
	eval[bool](p, `(document.querySelector('.chart-frame').focus(), true)`)
	p.keys(kb.ArrowLeft)
	p.keys(kb.ArrowLeft)
	p.until(`!document.querySelector('.tip').hidden && document.querySelector('.chart-frame [aria-live]').textContent.includes('USD')`)
	p.shot("usage-tip")
	p.axe("the usage")
	p.press("#view-usage", "Latency")
	p.until(`document.querySelectorAll('.chart .line').length === 3`)
	p.shot("usage-latency")
	resp := r.get(eval[string](p, `document.querySelector('#view-usage a.button').getAttribute('href')`))
	table, err := csv.NewReader(resp.Body).ReadAll()
	_ = resp.Body.Close()
	if err != nil || len(table) < 30 || table[0][0] != "day" {
		t.Errorf("the CSV: %v, %v", table, err)
	}
	p.size(360, 640)
	p.shot("usage-narrow")
	if wide := eval[bool](p, `document.documentElement.scrollWidth > 360`); wide {
		t.Error("the page is wider than a window of 360 px")
	}
	p.size(1280, 900)
	p.language("zh")
	p.until(`document.querySelector('#view-usage .chart-frame[data-ready]')`)
	p.shot("usage-zh")
}

// TestTheLogShowsOlderRequests pages through the history, filters it, and opens a record by
// its URL.
func TestTheLogShowsOlderRequests(t *testing.T) {
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, ""), remember(t, 250, 20*24*time.Hour))
	r.ask("just-now")
	p := r.open("/#log", 1440, 900)
	p.shows("#view-log .row", "just-now")
	p.until(`document.querySelectorAll('#view-log .row').length >= 100`) // the latest of the history
	p.press("#view-log", "Show older requests")
	p.until(`document.querySelectorAll('#view-log .row').length >= 200`)
	p.press("#view-log", "Show older requests")
	p.until(`document.querySelectorAll('#view-log .row').length === 251 && document.querySelector('#view-log .foot').hidden`)
	p.shots("log-history")

	p.press("#view-log", "Filters")
	eval[bool](p, `(() => { const s = document.querySelector('#view-log select'); s.value = ''; s.dispatchEvent(new Event('change')); return true; })()`)
	p.click(`document.querySelector('#view-log input[name="status"]')`)
	p.keys("5xx")
	p.until(`document.querySelectorAll('#view-log .row').length === 7`)
	p.shows("#view-log .row", "502")
	p.click(`document.querySelector('#view-log input[name="client"]')`)
	p.keys("lap*")
	p.until(`document.querySelectorAll('#view-log .row').length < 7 && [...document.querySelectorAll('#view-log .row .client')].every((n) => n.textContent === 'laptop')`)
	p.shot("log-filters")
	p.axe("the log of the history")
	p.click(`document.querySelector('#view-log .row')`)
	p.shows("dialog", "1 attempt")
	p.shows("dialog .attempts", "the site is failing")
	address := eval[string](p, `location.hash`)
	if !strings.HasPrefix(address, "#log/req_") {
		t.Errorf("the record is at %q", address)
	}
	p.press("dialog", "Close")
	p.until(`location.hash === '#log'`)

	again := r.open("/#log/req_000000000041", 1280, 900)
	again.shows("dialog", "req_000000000041")
	again.shows("dialog", "Cost")
	again.shot("log-record")
	again.press("dialog", "Close")
	gone := r.open("/#log/req_none", 1280, 900)
	gone.expect("404")
	gone.shows("dialog", "no request")
}

// TestTheLogAfterARestart has the requests from before the restart.
func TestTheLogAfterARestart(t *testing.T) {
	r, _, _ := begin(t, "")
	r.ask("before-the-restart")
	r.restart()
	p := r.open("/", 1280, 900)
	p.shows(".latest .row", "before-the-restart")
	p.press("#views", "Log")
	p.shows("#view-log .row", "before-the-restart")
	r.ask("after-the-restart")
	p.until(`document.querySelector('#view-log .row .model').textContent === 'after-the-restart' && document.querySelectorAll('#view-log .row').length === 2`)
	p.click(`document.querySelector('#view-log li:nth-child(2) .row')`)
	p.shows("dialog", "1 attempt")
}
