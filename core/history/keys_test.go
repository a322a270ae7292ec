package history

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
)

// TestKeysKeepTheirUsageWhenTheirIDsChange: usage adds up all IDs that a key had, and filters
// by its ID or name find all of them.
func TestKeysKeepTheirUsageWhenTheirIDsChange(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	with := func(id, key string, at time.Duration) {
		x := one(id)
		x.Channel, x.Key = "primary", key
		x.Attempts = []event.Attempt{{Channel: "primary", Key: key, Status: 200, Means: "good"}}
		r.Add(day0.Add(at), x)
	}
	r.SetKeys([]Key{{"primary", "key-a", "p1", "sk-…aaaa"}, {"primary", "key-z", "p2", "sk-…zzzz"}})
	with("req_1", "key-a", 0)
	with("req_2", "key-z", time.Minute)
	r.flush()
	r.SetKeys([]Key{{"primary", "key-b", "p1", "sk-…aaaa"}, {"backup", "key-c", "p2", "sk-…zzzz"}}) // another address; the other key moved away
	with("req_3", "key-b", 2*time.Minute)
	r.flush()
	r.SetKeys([]Key{{"primary", "team", "p1", "team"}, {"backup", "key-c", "p2", "sk-…zzzz"}}) // a label
	with("req_4", "team", 3*time.Minute)
	r.flush()

	reader := r.reader()
	for _, by := range [][]Dimension{{ByKey}, {ByChannel, ByKey}} {
		u, err := reader.Usage(t.Context(), UsageQuery{By: by}, day0.Add(time.Hour))
		if err != nil || len(u.Rows) != 2 {
			t.Fatalf("%v: %+v, %v", by, u.Rows, err)
		}
		i := slices.IndexFunc(u.Rows, func(r UsageRow) bool { return r.Key == "team" })
		if i < 0 || u.Rows[i].Requests != 3 || u.Rows[i].KeyName != "team" || u.Rows[i].KeyRemoved {
			t.Errorf("%v: %+v", by, u.Rows)
		}
		if x := u.Rows[1-i]; x.Key != "key-z" || x.Requests != 1 || !strings.HasPrefix(x.KeyName, "sk-…zzzz") || !x.KeyRemoved {
			t.Errorf("%v: %+v", by, x)
		}
	}
	for _, filter := range []string{"team", "key-a", "key-b", "zzzz"} {
		want := 3
		if filter == "zzzz" {
			want = 1
		}
		u, err := reader.Usage(t.Context(), UsageQuery{Filter: Filter{Key: filter}}, day0.Add(time.Hour))
		if err != nil || u.Total.Requests != int64(want) {
			t.Errorf("usage of %s: %+v, %v", filter, u.Total, err)
		}
		page, err := reader.Requests(t.Context(), Filter{Key: filter}, "", 10)
		if err != nil || len(page.Records) != want || want == 3 && page.Records[2].Key != "team" {
			t.Errorf("requests of %s: %+v, %v", filter, page.Records, err)
		}
	}
	if x, err := reader.Request(t.Context(), "req_1"); err != nil || x.Key != "team" || x.Attempts[0].Key != "team" {
		t.Errorf("%+v, %v", x, err)
	}

	r.SetKeys([]Key{{"primary", "key-a", "p1", "sk-…aaaa"}}) // back, without requests since
	reader, err := r.ReadFresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u, err := reader.Usage(t.Context(), UsageQuery{By: []Dimension{ByKey}}, day0.Add(time.Hour))
	if err != nil || !slices.ContainsFunc(u.Rows, func(r UsageRow) bool { return r.Key == "key-a" && r.Requests == 3 }) {
		t.Errorf("%+v, %v", u.Rows, err)
	}
	names, err := reader.KeyNames(t.Context())
	if err != nil || len(names) != 1 || names["primary key-a"] != "sk-…aaaa" {
		t.Errorf("%v, %v", names, err)
	}
}

// TestNamesOfKeys: equal names are followed by the channel, and a removed key is marked as
// removed once any key is known.
func TestNamesOfKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.SetKeys([]Key{
		{"one", "key-1", "p1", "sk-…aaaa"}, {"two", "key-1", "p1", "sk-…aaaa"}, {"one", "key-2", "p2", "work"}, {"three", "key-3", "p3", "sk-…cccc"}, {"four", "key-4", "p4", "sk-…cccc"},
	})
	r.Add(day0, one("req_1"))
	r.flush()
	n, err := readKeys(t.Context(), r.reader().db)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		channel, id, want string
		removed           bool
	}{
		{"", "key-1", "sk-…aaaa", false}, {"two", "key-1", "sk-…aaaa", false}, {"", "key-2", "work", false}, {"", "key-3", "sk-…cccc of three", false}, {"four", "key-4", "sk-…cccc", false},
		{"", "key-9", "", true}, {"one", "key-9", "", true}, {"", "", "", false},
	} {
		if got, removed := n.name(c.channel, c.id); got != c.want || removed != c.removed {
			t.Errorf("%q of %q is called %q (removed %v), want %q", c.id, c.channel, got, removed, c.want)
		}
	}
	if got, removed := (keyNames{}).name("", "key-1"); got != "" || removed {
		t.Errorf("without known keys: %q %v", got, removed)
	}
}

// TestCostsAreEstimated: for requests that ended without a price, with the current prices,
// and separately from computed costs.
func TestCostsAreEstimated(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	add := func(id, channel, model, currency string, cost event.Money, in uint64) {
		x := one(id)
		x.Channel, x.Model, x.Currency, x.Cost, x.TokensIn, x.TokensOut, x.TokensCacheRead = channel, model, currency, cost, in, 0, 0
		r.Add(day0, x)
	}
	add("req_1", "primary", "gpt-5", "USD", 3e9, 100)
	add("req_2", "primary", "gpt-5", "", 0, 1000)
	add("req_3", "backup", "gpt-5", "", 0, 1000)
	add("req_4", "backup", "unknown", "", 0, 1000)
	add("req_5", "primary", "gpt-5", "", 0, 0) // no token counts
	r.flush()
	q := UsageQuery{By: []Dimension{ByChannel}}
	now := day0.Add(time.Hour)
	if u, err := r.reader().Usage(t.Context(), q, now); err != nil || len(u.Total.Estimate) != 0 || u.Total.Unpriced != 4 {
		t.Errorf("without prices: %+v, %v", u.Total, err)
	}
	reader := r.reader()
	reader.Estimate(func(channel, model string, n int64, tokens dialect.Tokens) (event.Money, string, bool) {
		factor := event.Money(1)
		if channel == "backup" {
			factor = 2
		}
		return factor * event.Money(tokens.Input) * 1e6, "USD", model == "gpt-5" && tokens.Input > 0
	})
	u, err := reader.Usage(t.Context(), q, now)
	if err != nil || len(u.Rows) != 2 {
		t.Fatalf("%+v, %v", u, err)
	}
	for what, c := range map[string]struct {
		sums            UsageSums
		cost, estimate  event.Money
		unpriced, known int64
	}{
		"backup": {u.Rows[0].UsageSums, 0, 2e9, 2, 1}, "primary": {u.Rows[1].UsageSums, 3e9, 1e9, 2, 2}, "total": {u.Total, 3e9, 3e9, 4, 3},
	} {
		cost := event.Money(0)
		if len(c.sums.Cost) > 0 {
			cost = c.sums.Cost[0].Amount
		}
		if cost != c.cost || len(c.sums.Estimate) != 1 || c.sums.Estimate[0] != (Cost{c.estimate, "USD"}) || c.sums.Unpriced != c.unpriced || c.sums.Estimated != c.known {
			t.Errorf("%s: %+v", what, c.sums)
		}
	}
	for _, q := range []UsageQuery{{By: []Dimension{ByDay, ByModel}}, {By: []Dimension{ByHour}}, {By: []Dimension{ByKey, ByClient}}, {}} {
		if u, err := reader.Usage(t.Context(), q, now); err != nil || len(u.Total.Estimate) != 1 || u.Total.Estimate[0].Amount != 3e9 {
			t.Errorf("%v: %+v, %v", q.By, u.Total, err)
		}
	}
}
