package history

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// compareSums compares the sums with what the rows add up to.
func (r *rig) compareSums(columns ...string) {
	r.t.Helper()
	for _, c := range columns {
		of := map[string]string{"requests": "count(*)", "retries": "sum(attempts - 1)"}[c]
		if of == "" {
			of = "sum(" + c + ")"
		}
		for _, table := range sumTables {
			var rows, sums int64
			scan(r.t, r.reader().db, fmt.Sprintf("SELECT (SELECT %s FROM requests), (SELECT sum(%s) FROM %s)", of, c, table.name), &rows, &sums)
			if rows != sums {
				r.t.Errorf("%s in %s: %d, the rows have %d", c, table.name, sums, rows)
			}
		}
	}
}

// TestSumsOfAKilledProgram: sums of many keys are written later than the rows. If the program
// ends before that, the next one adds them up, once.
func TestSumsOfAKilledProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	written := 0
	for range 3 {
		killed := newRig(t, dir)
		killed.onWriter(func(w *writer) {
			if !w.ready() {
				t.Error(killed.messages)
				return
			}
			w.sumsAt, w.tidyAt = time.Now().Add(time.Hour), time.Now().Add(time.Hour)
		})
		generated(700, time.Hour, func(i item) { killed.Add(i.ended, i.request) })
		written += 700
		killed.nudge()
		testhelp.Eventually(t, "the rows are written", func() bool { return killed.count("requests") == written })
		killed.onWriter(func(w *writer) {
			if !w.owed || len(w.sums) == 0 {
				t.Error("the sums are written already")
			}
			w.sums, w.owed = deltas{}, false // as if the process had ended before they were written
		})
		killed.stop()
	}
	next := newRig(t, dir)
	next.Add(day0, one("req_last"))
	next.flush()
	next.compareSums("requests", "failed", "retries", "tokens_in", "tokens_out", "cost")
	if n := next.count("unsummed"); n != 0 {
		t.Error("some rows are still noted as missing in the sums")
	}
}

// TestUsageOfAKilledProgram: while no program runs, usage is what the rows add up to, also if
// the sums of the last ones were not written yet.
func TestUsageOfAKilledProgram(t *testing.T) {
	t.Parallel()
	for dir, tries := t.TempDir(), 0; ; tries++ {
		if tries == 10 {
			t.Fatal("the program wrote all sums each time before it was killed")
		}
		killWithUnwrittenSums(t, dir)
		reader, closeIt, err := Open(dir, zone)
		if err != nil {
			t.Fatal(err)
		}
		var missing int
		scan(t, reader.db, "SELECT count(*) FROM requests WHERE seq >= (SELECT first FROM unsummed)", &missing)
		compareWithRows(t, reader)
		closeIt()
		if missing > 0 {
			return
		}
	}
}

// killWithUnwrittenSums kills a program that uses many keys, between its rows and their sums.
func killWithUnwrittenSums(t *testing.T, dir string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this test
	child.Env = append(os.Environ(), "AITUNNEL_HISTORY_CHILD="+dir, "AITUNNEL_HISTORY_KEYS=1000")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	testhelp.Eventually(t, "rows are written without their sums", func() bool {
		reader, closeIt, err := Open(dir, zone)
		if err != nil {
			return false
		}
		defer closeIt()
		n := 0
		return reader.db.QueryRowContext(t.Context(), "SELECT count(*) FROM unsummed").Scan(&n) == nil && n > 0
	})
}

// compareWithRows compares usage with what the rows add up to.
func compareWithRows(t *testing.T, reader *Reader) {
	t.Helper()
	now := time.Now()
	for what, q := range map[string]UsageQuery{
		"all":               {},
		"days and models":   {By: []Dimension{ByDay, ByModel}},
		"hours and clients": {By: []Dimension{ByHour, ByClient}, Filter: Filter{From: now.Add(-time.Hour)}},
		"months":            {By: []Dimension{ByMonth}},
		"keys":              {By: []Dimension{ByKey}},
		"a model":           {By: []Dimension{ByChannel}, Filter: Filter{Model: "model-3"}},
		"keys by a pattern": {By: []Dimension{ByModel}, Filter: Filter{Key: "k*-1*2"}},
	} {
		got, err := reader.Usage(t.Context(), q, now)
		if err != nil {
			t.Fatal(err)
		}
		if want := fromRows(t, reader, q, got.From, got.To); len(got.Rows) == 0 || lines(got) != want {
			t.Errorf("%s:\n%.500s\nwant\n%.500s", what, lines(got), want)
		}
	}
	for _, f := range []Filter{{Model: "model-3", Client: "nobody"}, {From: now.AddDate(0, 0, -20), To: now.AddDate(0, 0, -10)}} {
		if got, err := reader.Usage(t.Context(), UsageQuery{Filter: f}, now); err != nil || got.Total.Requests != 0 || len(got.Rows) != 0 {
			t.Errorf("%+v: %+v, %v", f, got.Total, err)
		}
	}
}

// TestNamesMatchAsInSQLite where requests are compared with a name outside of it.
func TestNamesMatchAsInSQLite(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	testhelp.Eventually(t, "the file is open", func() bool { return r.file.Load() != nil })
	for _, wanted := range []string{"", "gpt-5", "gpt-*", "*", "*-5", "g*5", "g**5", "*t*", "gpt-5*gpt-5", "*mini*", "[g]pt-5", "g?t-5", "g?t-*", "a*b*b", "ab*b"} {
		for _, name := range []string{"", "gpt-5", "gpt-5-mini", "g?t-5", "[g]pt-5", "abb", "ab", "aXbXb", "abXb"} {
			var c condition
			c.name("name", wanted)
			n := 0
			if err := r.reader().db.QueryRowContext(t.Context(), "SELECT count(*) FROM (SELECT ? AS name)"+c.where(), append([]any{name}, c.args...)...).Scan(&n); err != nil {
				t.Fatal(err)
			}
			if got := matches(wanted, name); got != (n == 1) {
				t.Errorf("%q, %q: %v, SQLite counts %d", wanted, name, got, n)
			}
		}
	}
}

// TestAFileThatIsOpenedAgain: while sums are in memory; they are not added twice.
func TestAFileThatIsOpenedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.onWriter(func(w *writer) { w.sumsAt, w.tidyAt = time.Now().Add(time.Hour), time.Now().Add(time.Hour) })
	generated(600, time.Hour, func(i item) { r.Add(i.ended, i.request) })
	r.nudge()
	testhelp.Eventually(t, "the rows are written", func() bool { return r.file.Load() != nil && r.count("requests") == 600 })
	r.onWriter(func(w *writer) { w.close(); w.ready() })
	r.flush()
	r.compareSums("requests", "tokens_in")
}

// onWriter calls f on the goroutine that writes.
func (r *rig) onWriter(f func(*writer)) {
	r.t.Helper()
	r.do(r.t.Context(), func() { f(&r.writer) })
}

func TestSumsOfFewKeysAreWrittenWithTheirRows(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.Add(day0, one("req_1"))
	testhelp.Eventually(t, "the row is written", func() bool { return r.file.Load() != nil && r.count("requests") == 1 })
	if r.count("hourly") != 1 || r.count("unsummed") != 0 {
		t.Error("its sums are not written")
	}
}

// TestManyKeysDelayTheirSums: writing them takes a fortieth of a core at most.
func TestManyKeysDelayTheirSums(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for i := range 2000 {
		q := one(fmt.Sprint("req_", i))
		q.Key = fmt.Sprint("key-", i)
		r.Add(day0, q)
	}
	r.flush()
	r.onWriter(func(w *writer) {
		if wait := time.Until(w.sumsAt); wait < time.Second {
			t.Errorf("the next sums are written in %s already", wait)
		}
	})
	r.Add(day0, one("req_last"))
	r.nudge()
	testhelp.Eventually(t, "the row is written", func() bool { return r.count("requests") == 2001 })
	if got, err := r.ReadFresh(t.Context()); err != nil {
		t.Error(err)
	} else if usage, err := got.Usage(t.Context(), UsageQuery{}, day0.AddDate(1, 0, 0)); err != nil || usage.Total.Requests != 2001 {
		t.Errorf("a query returns %+v, %v", usage.Total, err)
	}
}
