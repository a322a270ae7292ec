package history

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aitunnel/aitunnel/core/event"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("AITUNNEL_HISTORY_CHILD"); dir != "" {
		writeUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

// rig is a store that records what it reports.
type rig struct {
	*Store
	t   *testing.T
	dir string

	mu       sync.Mutex
	messages []string
	clock    time.Time // zero: the real one
}

var zone = time.FixedZone("UTC+5:30", 5*3600+1800)

func newRig(t *testing.T, dir string) *rig {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	r := &rig{t: t, dir: dir}
	r.Store = Start(Options{Dir: dir, Now: r.now, Report: func(_ event.Level, m string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.messages = append(r.messages, m)
	}})
	t.Cleanup(r.stop)
	r.Configure(Settings{Enabled: true, Keep: 36500 * 24 * time.Hour, MaxSize: 1 << 30, Zone: zone})
	return r
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clock.IsZero() {
		return time.Now()
	}
	return r.clock
}

func (r *rig) stop() { r.Close(context.Background()) }

func (r *rig) flush() {
	r.t.Helper()
	_ = r.Flush(r.t.Context()) // tests of faults look at what is reported
}

// said returns how many messages contain the text.
func (r *rig) said(text string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.messages {
		if strings.Contains(m, text) {
			n++
		}
	}
	return n
}

func (r *rig) reader() *Reader {
	r.t.Helper()
	reader, err := r.Read()
	if err != nil {
		r.t.Fatal(err, r.messages)
	}
	return reader
}

// scan reads one row of a query.
func scan(t *testing.T, db *sql.DB, query string, to ...any) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(to...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (r *rig) count(table string) (n int) {
	r.t.Helper()
	scan(r.t, r.reader().db, "SELECT count(*) FROM "+table, &n)
	return n
}

var day0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// one returns a successful request.
func one(id string) *event.Request {
	return &event.Request{
		ID: id, Method: "POST", Path: "/v1/chat/completions", Route: "/**", Model: "gpt-5", Channel: "a", Key: "k1", Client: "anonymous", Dialect: "openai", Endpoint: "generate",
		Status: 200, TTFB: event.Millis(30 * time.Millisecond), Content: event.Millis(40 * time.Millisecond), Total: event.Millis(50 * time.Millisecond), BytesIn: 10, BytesOut: 20,
		TokensIn: 100, TokensOut: 10, TokensCacheRead: 50, TokensCacheWrite: 5, TokensReasoning: 3, Cost: 1_500_000, Currency: "USD",
		Attempts: []event.Attempt{{Channel: "a", Key: "k1", Status: 200, Verdict: "ok", Means: "good", TTFB: event.Millis(30 * time.Millisecond), Total: event.Millis(50 * time.Millisecond)}},
	}
}

// generated makes n requests over a span of time, always the same ones.
func generated(n int, span time.Duration, each func(item)) {
	random := rand.New(rand.NewPCG(1, 2))
	models := []string{"gpt-5", "gpt-5-mini", "claude-sonnet-4-5", "gemini-2.5-pro", "text-embedding-3-large", "o4"}
	clients := []string{"anonymous", "openclaw", "laptop"}
	skewed := func(names []string) string { return names[int(float64(len(names))*random.Float64()*random.Float64())] }
	at := day0
	for i := range n {
		at = at.Add(time.Duration(random.Int64N(2 * int64(span) / int64(n))))
		r := one(fmt.Sprintf("req_%016d", i))
		r.Model, r.Client = skewed(models), skewed(clients)
		r.Channel = skewed([]string{"primary", "backup", "spare"})
		r.Key = r.Channel + skewed([]string{"-1", "-2", "-3"})
		r.TokensIn, r.TokensOut = uint64(random.IntN(50_000)), uint64(random.IntN(4_000))
		r.TokensCacheRead, r.TokensCacheWrite, r.TokensReasoning = r.TokensIn/2, r.TokensIn/10, r.TokensOut/3
		r.TTFB = event.Millis(time.Duration(random.ExpFloat64() * float64(time.Second)))
		r.Total = r.TTFB * 2
		r.Cost, r.Currency = event.Money(random.Int64N(1e8)), skewed([]string{"USD", "CNY", ""})
		r.Attempts[0].Channel, r.Attempts[0].Key, r.Attempts[0].TTFB, r.Attempts[0].Total = r.Channel, r.Key, r.TTFB, r.Total
		if r.Currency == "" {
			r.Cost = 0
		}
		if random.IntN(20) == 0 {
			r.Attempts = append([]event.Attempt{{Channel: "primary", Key: "primary-1", Status: 502, Verdict: "channel", Means: "broken", Total: 5e6}}, r.Attempts...)
			r.Retries = 1
		}
		if random.IntN(30) == 0 {
			r.Status, r.Error, r.TokensIn, r.TokensOut, r.TokensCacheRead, r.TokensCacheWrite, r.TokensReasoning = 502, "channel_unavailable", 0, 0, 0, 0, 0
			r.Cost, r.Currency = 0, ""
			r.Attempts[len(r.Attempts)-1].Verdict, r.Attempts[len(r.Attempts)-1].Means = "channel", "broken"
		}
		each(item{at.Add(time.Duration(r.Total)), r})
	}
}

// fill writes generated requests without the queue, so that none is dropped.
func (r *rig) fill(n int, span time.Duration) {
	r.t.Helper()
	r.flush()
	done := make(chan error, 1)
	r.ask <- func() {
		if !r.writer.ready() {
			done <- fmt.Errorf("%v", r.messages)
			return
		}
		f := r.file.Load()
		var chunk []item
		var names names
		all := deltas{}
		write := func() error {
			err := f.write(chunk, all)
			chunk = chunk[:0]
			clear(all)
			return err
		}
		var failed error
		generated(n, span, func(i item) {
			chunk = append(chunk, i)
			all.add(i, zone, names.of(i))
			if len(chunk) == 5000 && failed == nil {
				failed = write()
			}
		})
		if failed == nil {
			failed = write()
		}
		done <- failed
	}
	if err := <-done; err != nil {
		r.t.Fatal(err)
	}
}

func ids(records []Record) (out []string) {
	for _, r := range records {
		out = append(out, r.ID)
	}
	return out
}

func same[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
