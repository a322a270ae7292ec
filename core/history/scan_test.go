package history

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestARareMatchIsSearchedInPieces: pages that end early have, together, the same results as
// one search of everything.
func TestARareMatchIsSearchedInPieces(t *testing.T) {
	r := newRig(t, "")
	r.fill(3000, 24*time.Hour)
	whole, pieces := r.reader(), r.reader()
	pieces.scan = 100
	newest, err := whole.Requests(t.Context(), Filter{}, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	some := newest.Records[0]
	for what, f := range map[string]Filter{
		"a verdict":            {Verdict: "overloaded"},
		"a verdict that never": {Verdict: "none"},
		"two names":            {Model: some.Model, Channel: some.Channel},
		"names never together": {Channel: "primary", Key: "backup-1"},
		"a pattern":            {Key: "spare-*", Model: some.Model},
		"a text":               {Text: "chat", From: day0, To: day0.AddDate(0, 0, 1)},
		"failed":               {Failed: true, Channel: some.Channel},
		"one name":             {Model: some.Model},
	} {
		var want, got []string
		collect := func(into *[]string) func(Record) error {
			return func(r Record) error { *into = append(*into, r.ID); return nil }
		}
		if err := whole.Each(t.Context(), f, collect(&want)); err != nil {
			t.Fatal(err)
		}
		before, partial := time.Now().AddDate(100, 0, 0), 0
		for cursor := ""; ; {
			page, err := pieces.Requests(t.Context(), f, cursor, 20)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Records {
				_ = collect(&got)(r)
			}
			if page.SearchedTo != nil {
				partial++
				if !page.SearchedTo.Before(before) || page.Next == "" || len(page.Records) > 20 {
					t.Fatalf("%s: the search makes no progress at %s", what, page.SearchedTo)
				}
				before = *page.SearchedTo
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d in pieces, %d in one search", what, len(got), len(want))
		}
		if partial > 0 && f.exact() || len(want) == 0 && partial == 0 {
			t.Errorf("%s: %d pages end early", what, partial)
		}
	}
}

// TestEachPageIsFoundByItsIndex: whatever filters are combined, and whether or not the file
// has statistics, the query uses the index that was chosen, and sorts no more than requests
// of the same moment.
func TestEachPageIsFoundByItsIndex(t *testing.T) {
	r := newRig(t, "")
	r.fill(3000, 24*time.Hour)
	reader := r.reader()
	reader.scan = 400
	for _, statistics := range []string{"PRAGMA optimize", "ANALYZE"} {
		if _, err := r.file.Load().writing.ExecContext(t.Context(), statistics); err != nil {
			t.Fatal(err)
		}
		for _, f := range combinations() {
			for _, cursor := range []string{"", "1772366480603.10"} {
				query, args, s, err := reader.pageQuery(t.Context(), f, cursor, 101)
				if err != nil {
					t.Fatal(err)
				}
				plan := planOf(t, reader, query, args)
				if !strings.Contains(plan, s.index) || strings.Contains(plan, "TEMP B-TREE FOR ORDER BY") || strings.Count(plan, "\n") > 2 {
					t.Errorf("%+v by %s:\n%s", f, s.index, plan)
				}
			}
		}
	}
}

// combinations are all combinations of some filters.
func combinations() (all []Filter) {
	set := []func(*Filter){
		func(f *Filter) { f.Failed = true },
		func(f *Filter) { f.Key = "spare-3" },
		func(f *Filter) { f.Model = "o4" },
		func(f *Filter) { f.Channel = "primary" },
		func(f *Filter) { f.Client = "laptop" },
		func(f *Filter) { f.Status = "5xx" },
		func(f *Filter) { f.Verdict = "broken" },
		func(f *Filter) { f.From, f.Text = day0, "chat" },
	}
	for i := range 1 << len(set) {
		var f Filter
		for n, do := range set {
			if i&(1<<n) != 0 {
				do(&f)
			}
		}
		all = append(all, f)
	}
	return all
}

func planOf(t *testing.T, reader *Reader, query string, args []any) (plan string) {
	t.Helper()
	rows, err := reader.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan += detail + "\n"
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestTheRarestFilterFindsThePage: of several indexes the one is used that finds the fewest
// requests, or reaches furthest back.
func TestTheRarestFilterFindsThePage(t *testing.T) {
	r := newRig(t, "")
	r.fill(3000, 24*time.Hour)
	reader := r.reader()
	reader.scan = 400
	for _, c := range []struct {
		f       Filter
		index   string
		bounded bool
	}{
		{Filter{}, "requests_time", false},
		{Filter{Verdict: "broken"}, "requests_time", true},
		{Filter{Failed: true}, "requests_failed", false},
		{Filter{Key: "primary-1"}, "requests_key", false},
		{Filter{Key: "primary-1", Model: "o4"}, "requests_model", false},
		{Filter{Key: "spare-3", Model: "gpt-5"}, "requests_key", false},
		{Filter{Failed: true, Key: "spare-3"}, "requests_failed", false},
		{Filter{Failed: true, Key: "none", Text: "chat", From: day0}, "requests_key", false},
		{Filter{Failed: true, Model: "gpt-5"}, "requests_failed", false},
		{Filter{Status: "502", Model: "gpt-5"}, "requests_failed", false},
		{Filter{Client: "anonymous", Model: "none"}, "requests_model", false},
		{Filter{Client: "anonymous", Model: "gpt-5"}, "requests_model", true},
		{Filter{Client: "nobody", Model: "gpt-5"}, "requests_client", false},
	} {
		_, _, s, err := reader.pageQuery(t.Context(), c.f, "", 101)
		if err != nil || s.index != c.index || s.bounded != c.bounded {
			t.Errorf("%+v: by %s, bounded %v, %v; want %s, %v", c.f, s.index, s.bounded, err, c.index, c.bounded)
		}
	}
}
