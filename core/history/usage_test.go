package history

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestUsageIsWhatTheRowsAddUpTo compares every kind of usage with a query over the rows of
// requests.
func TestUsageIsWhatTheRowsAddUpTo(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.fill(8000, 20*24*time.Hour)
	reader := r.reader()
	now := day0.Add(30 * 24 * time.Hour)
	local := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, zone) }
	for what, q := range map[string]UsageQuery{
		"all":                     {},
		"days and models":         {By: []Dimension{ByDay, ByModel}},
		"a week by day":           {By: []Dimension{ByDay}, Filter: Filter{From: local(2026, 3, 5), To: local(2026, 3, 12)}},
		"months and channels":     {By: []Dimension{ByMonth, ByChannel}},
		"two days by hour":        {By: []Dimension{ByHour, ByClient}, Filter: Filter{From: day0.Add(24 * time.Hour), To: day0.Add(72 * time.Hour)}},
		"a day in hours":          {By: []Dimension{ByKey}, Filter: Filter{From: day0.Add(24 * time.Hour), To: day0.Add(48 * time.Hour)}},
		"a day in hours by day":   {By: []Dimension{ByDay}, Filter: Filter{From: day0.Add(24 * time.Hour), To: day0.Add(48 * time.Hour)}},
		"one model of a channel":  {By: []Dimension{ByKey}, Filter: Filter{Model: "gpt-5*", Channel: "primary"}},
		"one client, by day, all": {By: []Dimension{ByClient, ByDay}, Filter: Filter{Client: "laptop"}},
	} {
		got, err := reader.Usage(t.Context(), q, now)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if want := fromRows(t, reader, q, got.From, got.To); len(got.Rows) == 0 || lines(got) != want {
			t.Errorf("%s:\n%s\nwant\n%s", what, lines(got), want)
		}
	}
}

// lines returns the figures of an answer.
func lines(u Usage) string {
	var out strings.Builder
	for _, r := range u.Rows {
		usd, cny := int64(0), int64(0)
		for _, c := range r.Cost {
			switch c.Currency {
			case "USD":
				usd = int64(c.Amount)
			case "CNY":
				cny = int64(c.Amount)
			}
		}
		key := ""
		for _, d := range u.By {
			key += r.Of(d) + " "
		}
		fmt.Fprintln(&out, key, r.Requests, r.Failed, r.Retries, r.TokensIn, r.TokensOut, r.TokensCacheRead, r.TokensCacheWrite, r.TokensReasoning, usd, cny)
	}
	return out.String()
}

// fromRows returns the same figures from the rows of requests.
func fromRows(t *testing.T, reader *Reader, q UsageQuery, from, to time.Time) string {
	t.Helper()
	c, err := Filter{From: from, To: to, Client: q.Client, Channel: q.Channel, Key: q.Key, Model: q.Model}.condition()
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, d := range q.By {
		const local = "(time + 19800000) / 1000, 'unixepoch')"
		keys = append(keys, map[Dimension]string{
			ByHour: "strftime('%Y-%m-%dT%H:%M:%S+05:30', (time / 3600000 * 3600000 + 19800000) / 1000, 'unixepoch')", ByDay: "strftime('%Y-%m-%d', " + local, ByMonth: "strftime('%Y-%m', " + local,
			ByClient: "client", ByChannel: "channel", ByKey: "key", ByModel: "model",
		}[d])
	}
	groups := ""
	if len(keys) > 0 {
		groups = " GROUP BY " + strings.Join(keys, ", ") + " ORDER BY " + strings.Join(keys, ", ")
		for i := range keys {
			keys[i] += " || ' '"
		}
	} else {
		keys = []string{"''"}
	}
	rows, err := reader.db.QueryContext(t.Context(), `SELECT `+strings.Join(keys, " || ")+`, count(*), sum(failed), sum(attempts - 1), sum(tokens_in), sum(tokens_out), sum(tokens_cache_read),
		sum(tokens_cache_write), sum(tokens_reasoning), coalesce(sum(cost) FILTER (WHERE currency = 'USD'), 0), coalesce(sum(cost) FILTER (WHERE currency = 'CNY'), 0)
		FROM requests`+c.where()+groups, c.args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out strings.Builder
	for rows.Next() {
		var key string
		var n [10]int64
		if err := rows.Scan(&key, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7], &n[8], &n[9]); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, key, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9])
	}
	return out.String()
}

func TestUsageComparesWithTheTimeBefore(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for i := range 10 {
		r.Add(day0.Add(time.Duration(i)*24*time.Hour), one(fmt.Sprint("req_", i)))
	}
	r.flush()
	midnight := time.Date(2026, 3, 5, 0, 0, 0, 0, zone)
	got, err := r.reader().Usage(t.Context(), UsageQuery{Filter: Filter{From: midnight, To: midnight.AddDate(0, 0, 6)}}, day0)
	if err != nil || got.Total.Requests != 6 || got.Before == nil || got.Before.Requests != 4 {
		t.Errorf("%+v, %v", got, err)
	}
	if got.Total.P50 < 18e6 || got.Total.P50 > 32e6 || got.Total.Cost[0].Amount != 6*1_500_000 {
		t.Errorf("%+v", got.Total)
	}
	all, err := r.reader().Usage(t.Context(), UsageQuery{}, day0.AddDate(1, 0, 0))
	if err != nil || all.Before != nil || all.Total.Requests != 10 {
		t.Errorf("%+v, %v", all, err)
	}
	for _, wrong := range []UsageQuery{{By: []Dimension{"color"}}, {By: []Dimension{ByDay, ByHour}}, {By: []Dimension{ByKey, ByKey}}, {Filter: Filter{Failed: true}}, {Filter: Filter{From: day0, To: day0}}} {
		if _, err := r.reader().Usage(t.Context(), wrong, day0); err == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
}

// TestAQuerySeesTheLatestRequests: it does not wait until the writer's next turn, nor for a
// busy writer.
func TestAQuerySeesTheLatestRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.flush()
	for i := range 50 {
		r.Add(day0, one(fmt.Sprint("req_", i)))
		reader, err := r.readAfter(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := reader.Usage(t.Context(), UsageQuery{}, day0.AddDate(0, 0, 1)); err != nil || got.Total.Requests != int64(i+1) {
			t.Fatalf("%d requests, want %d (%v)", got.Total.Requests, i+1, err)
		}
	}
	busy, free := make(chan struct{}), make(chan struct{})
	go r.do(t.Context(), func() { close(busy); <-free })
	<-busy
	if _, err := r.ReadFresh(t.Context()); err != nil { // returns while the writer is busy
		t.Error(err)
	}
	close(free)
}

// TestUnpricedTokens: requests without a price differ from those without token counts.
func TestUnpricedTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for i, tokens := range []uint64{0, 0, 700} {
		q := one(fmt.Sprint("req_", i))
		q.Model, q.Currency, q.Cost, q.TokensIn, q.TokensOut = []string{"uncounted", "uncounted", "unpriced"}[i], "", 0, tokens, 0
		r.Add(day0, q)
	}
	r.Add(day0, one("req_priced"))
	r.flush()
	got, err := r.reader().Usage(t.Context(), UsageQuery{By: []Dimension{ByModel}}, day0.AddDate(0, 0, 1))
	if err != nil || got.Total.Unpriced != 3 || got.Total.UnpricedTokens != 700 {
		t.Fatalf("%+v, %v", got.Total, err)
	}
	for _, row := range got.Rows {
		if want := map[string][2]int64{"uncounted": {2, 0}, "unpriced": {1, 700}}[row.Model]; row.Unpriced != want[0] || row.UnpricedTokens != want[1] {
			t.Errorf("%s: %d requests, %d tokens", row.Model, row.Unpriced, row.UnpricedTokens)
		}
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	var counts [buckets]int64
	for i := 1; i <= 1000; i++ {
		counts[bucketOf(time.Duration(i)*time.Millisecond)]++
	}
	for q, want := range map[float64]float64{0.5: 0.5, 0.9: 0.9, 0.99: 0.99} {
		if got := quantile(counts[:], q).Seconds(); got < want*0.9 || got > want*1.1 {
			t.Errorf("quantile %v is %v", q, got)
		}
	}
	if quantile(make([]int64, buckets), 0.5) != 0 || bucketOf(time.Hour) != buckets-1 {
		t.Error("edges")
	}
}

// TestManyModelsMakeFewSums: callers may ask for any name.
func TestManyModelsMakeFewSums(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for i := range 2000 {
		q := one(fmt.Sprint("req_", i))
		q.Model = fmt.Sprint("model-", i)
		r.Add(day0, q)
	}
	r.flush()
	if n := r.count("hourly"); n != maxModels+1 {
		t.Errorf("%d rows", n)
	}
	got, err := r.reader().Usage(t.Context(), UsageQuery{Filter: Filter{Model: Other}}, day0.AddDate(1, 0, 0))
	if err != nil || got.Total.Requests != 2000-maxModels {
		t.Errorf("%+v, %v", got.Total, err)
	}
}

// BenchmarkAYearByDayAndModel uses as many sums as a million requests have.
func BenchmarkAYearByDayAndModel(b *testing.B) {
	f, err := openFile(b.Context(), filepath.Join(b.TempDir(), FileName), false)
	if err != nil {
		b.Fatal(err)
	}
	defer f.close()
	all, known := deltas{}, names{}
	generated(100_000, 365*24*time.Hour, func(i item) { all.add(i, zone, known.of(i)) })
	if err := f.write(nil, all); err != nil {
		b.Fatal(err)
	}
	reader := &Reader{db: f.reading, zone: zone}
	for b.Loop() {
		if _, err := reader.Usage(b.Context(), UsageQuery{By: []Dimension{ByDay, ByModel}}, day0.AddDate(1, 0, 0)); err != nil {
			b.Fatal(err)
		}
	}
}
