package history

import (
	"slices"
	"testing"
	"time"
)

// TestARareMatchIsSearchedInPieces: pages that say how far they came, together, are what
// one search of everything finds.
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
		"names never together": {Model: some.Model, Client: "nobody"},
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
					t.Fatalf("%s: the search stands still at %s", what, page.SearchedTo)
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
		if partial > 0 && !f.reads() || len(want) == 0 && partial == 0 {
			t.Errorf("%s: %d pages end early", what, partial)
		}
	}
}
