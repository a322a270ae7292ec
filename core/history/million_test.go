package history

import (
	"slices"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// median returns the median of 20 tries, after one to warm up.
func median(t *testing.T, f func() error) time.Duration {
	t.Helper()
	var took []time.Duration
	for i := range 21 {
		begun := time.Now()
		if err := f(); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			took = append(took, time.Since(begun))
		}
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// TestAMillionRequests measures queries about a million requests in a year, and compares the
// sums with the rows.
func TestAMillionRequests(t *testing.T) {
	if !testhelp.Soak() {
		t.Skip("run by make soak")
	}
	r := newRig(t, "")
	begun := time.Now()
	r.fill(1_000_000, 365*24*time.Hour)
	bytes, err := r.file.Load().used()
	t.Logf("written in %s, %d MiB, %d sums by hour, %d by day (%v)", time.Since(begun).Round(time.Second), bytes>>20, r.count("hourly"), r.count("daily"), err)
	reader, now := r.reader(), day0.AddDate(1, 0, 0)
	page := func(f Filter, cursor string) func() error {
		return func() error {
			_, err := reader.Requests(t.Context(), f, cursor, 100)
			return err
		}
	}
	usage := func(q UsageQuery) func() error {
		return func() error {
			_, err := reader.Usage(t.Context(), q, now)
			return err
		}
	}
	month := Filter{From: now.AddDate(0, -1, 0)}
	middle, err := reader.Requests(t.Context(), Filter{To: now.AddDate(0, -6, 0)}, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what  string
		limit time.Duration
		f     func() error
	}{
		{"the newest page", 50 * time.Millisecond, page(Filter{}, "")},
		{"a page in the middle", 50 * time.Millisecond, page(Filter{}, middle.Next)},
		{"failed requests", 50 * time.Millisecond, page(Filter{Failed: true}, "")},
		{"a rare model", 50 * time.Millisecond, page(Filter{Model: "o4"}, "")},
		{"a model that no request named", 50 * time.Millisecond, page(Filter{Model: "none"}, "")},
		{"a model of a channel, by status", 50 * time.Millisecond, page(Filter{Model: "o4", Channel: "spare", Status: "5xx"}, "")},
		{"a client and a key", 50 * time.Millisecond, page(Filter{Client: "laptop", Key: "spare-3"}, "")},
		{"failed requests of a client and a key", 50 * time.Millisecond, page(Filter{Failed: true, Client: "laptop", Key: "spare-3"}, "")},
		{"two names that never occur together", 200 * time.Millisecond, page(Filter{Model: "o4", Key: "none-*", Client: "laptop"}, "")},
		{"a verdict that no request has", 200 * time.Millisecond, page(Filter{Verdict: "none"}, "")},
		{"a text that no request has", 200 * time.Millisecond, page(Filter{Text: "nowhere", From: day0}, "")},
		{"a status", 50 * time.Millisecond, page(Filter{Status: "502"}, "")},
		{"a status that no request has", 50 * time.Millisecond, page(Filter{Status: "418"}, "")},
		{"models, by a star", 50 * time.Millisecond, page(Filter{Model: "gpt-*"}, "")},
		{"a month by day and model", 100 * time.Millisecond, usage(UsageQuery{By: []Dimension{ByDay, ByModel}, Filter: month})},
		{"a month by day and model of a channel", 100 * time.Millisecond, usage(UsageQuery{By: []Dimension{ByDay, ByModel}, Filter: Filter{From: month.From, Channel: "primary"}})},
		{"two days by hour", 100 * time.Millisecond, usage(UsageQuery{By: []Dimension{ByHour, ByModel}, Filter: Filter{From: now.AddDate(0, 0, -2)}})},
		{"a year by day and model", 200 * time.Millisecond, usage(UsageQuery{By: []Dimension{ByDay, ByModel}})},
		{"a year by month and key", 200 * time.Millisecond, usage(UsageQuery{By: []Dimension{ByMonth, ByKey}})},
		{"a year by day and channel", 200 * time.Millisecond, usage(UsageQuery{By: []Dimension{ByDay, ByChannel}})},
		{"a year by day and key of a channel", 200 * time.Millisecond, usage(UsageQuery{By: []Dimension{ByDay, ByKey}, Filter: Filter{From: now.AddDate(-1, 0, 0), Channel: "primary"}})},
		{"a year by day and model of a client", 2 * time.Second, usage(UsageQuery{By: []Dimension{ByDay, ByModel}, Filter: Filter{From: now.AddDate(-1, 0, 0), Client: "laptop"}})},
	} {
		took := median(t, c.f)
		t.Logf("%-40s %v", c.what, took.Round(10*time.Microsecond))
		if took > c.limit {
			t.Errorf("%s takes %s, more than %s", c.what, took, c.limit)
		}
	}
	for what, q := range map[string]UsageQuery{
		"a year by day and model": {By: []Dimension{ByDay, ByModel}}, "a month by channel and key": {By: []Dimension{ByChannel, ByKey}, Filter: month}, "by client": {By: []Dimension{ByClient}},
	} {
		got, err := reader.Usage(t.Context(), q, now)
		if err != nil {
			t.Fatal(err)
		}
		if want := fromRows(t, reader, q, got.From, got.To); lines(got) != want {
			t.Errorf("%s: the sums are not what the rows add up to", what)
		}
	}
}
