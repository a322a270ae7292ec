package history

import (
	"bufio"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestALockedFile fills the queue while another program has locked the file: rows are
// dropped and counted, sums are exact, and there is one message of each kind.
func TestALockedFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.Add(day0, one("req_first"))
	r.flush()
	other, err := connect(r.path, "rw", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "UPDATE requests SET status = 200"); err != nil {
		t.Fatal(err)
	}
	const n = 3 * queueSize
	for i := range n {
		r.Add(day0, one(fmt.Sprint("req_", i)))
		if i == queueSize/2 {
			r.flush()
		}
	}
	r.flush()
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	r.flush()
	sum, rows := 0, r.count("requests")
	scan(t, r.reader().db, "SELECT sum(requests) FROM hourly", &sum)
	if sum != n+1 || rows >= n || rows < queueSize {
		t.Errorf("sums of %d requests, %d rows", sum, rows)
	}
	// They are reported once a minute: the first report may come before all are lost.
	testhelp.Eventually(t, "lost rows are reported", func() bool { return r.said("lacks the records of") >= 1 })
	if r.said("another program has locked it") != 1 || r.said("written again") != 1 {
		t.Errorf("%d rows are missing: %q", n+1-rows, r.messages)
	}
}

// TestRowsThatComeTooFast: rows over the rate are dropped and reported, and the sums are
// exact.
func TestRowsThatComeTooFast(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.ask <- func() { r.writer.rate = 0 }
	const n = queueSize + 2000
	for i := range n {
		q := one(fmt.Sprint("req_", i))
		q.Channel = []string{"a", "b"}[i%2]
		r.Add(day0, q)
		if i%3000 == 0 {
			r.flush()
		}
	}
	r.flush()
	if rows := r.count("requests"); rows != queueSize {
		t.Errorf("%d rows, want %d", rows, queueSize)
	}
	for _, table := range sumTables {
		sum, tokens := 0, 0
		scan(t, r.reader().db, "SELECT sum(requests), sum(tokens_in) FROM "+table.name, &sum, &tokens)
		if sum != n || tokens != 100*n {
			t.Errorf("%s has sums of %d requests and %d tokens, want %d and %d", table.name, sum, tokens, n, 100*n)
		}
	}
	testhelp.Eventually(t, "lost rows are reported", func() bool { return r.said("they came faster than the history writes them") == 1 })
}

func TestAFullDisk(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.Add(day0, one("req_first"))
	r.flush()
	limit := func(pages int) {
		if _, err := r.file.Load().writing.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(1)
	for i := range 300 {
		r.Add(day0, one(fmt.Sprint("req_", i)))
	}
	r.flush()
	r.flush()
	if r.said("the disk is full") != 1 || r.count("requests") != 1 {
		t.Errorf("%d rows, %q", r.count("requests"), r.messages)
	}
	limit(1 << 20)
	r.flush()
	if r.count("requests") != 301 || r.said("written again") != 1 {
		t.Errorf("%d rows, %q", r.count("requests"), r.messages)
	}
}

func TestADirectoryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	r := newRig(t, dir) // which does not exist
	for range 3 {
		r.Add(day0, one("req_1"))
		r.flush()
	}
	if len(r.messages) != 1 || r.said("the history cannot be written") != 1 {
		t.Errorf("%q", r.messages)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r.flush()
	if r.count("requests") != 3 || r.said("written again") != 1 {
		t.Errorf("%q", r.messages)
	}
}

func TestAFileThatIsRemoved(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.Add(day0, one("req_1"))
	r.flush()
	if err := os.Remove(r.path); err != nil {
		t.Skip("an open file cannot be removed here:", err)
	}
	r.Add(day0, one("req_2"))
	r.flush()
	page, err := r.reader().Requests(t.Context(), Filter{}, "", 10)
	if err != nil || len(page.Records) != 1 || page.Records[0].ID != "req_2" || r.said("was removed or replaced") != 1 {
		t.Errorf("%+v, %v, %q", page, err, r.messages)
	}
}

// TestFilesThatCannotBeUsed: they are kept under another name.
func TestFilesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for kind, spoil := range map[string]func(path string){
		"damaged": func(path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"newer": func(path string) {
			db, err := connect(path, "rw", 1)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(kind, func(t *testing.T) {
			first := newRig(t, "")
			first.Add(day0, one("req_1"))
			first.flush()
			first.stop()
			spoil(first.path)
			if _, _, err := Open(first.dir, zone); err == nil || !strings.Contains(err.Error(), map[string]string{"damaged": "damaged", "newer": "newer version"}[kind]) {
				t.Error(err)
			}
			r := newRig(t, first.dir)
			r.Add(day0, one("req_2"))
			r.flush()
			aside, _ := filepath.Glob(r.path + "." + kind + "-*")
			if r.count("requests") != 1 || len(aside) != 1 || len(r.messages) != 1 || r.said("is kept as "+aside[0]) != 1 {
				t.Errorf("%v, %q", aside, r.messages)
			}
		})
	}
}

// TestDamageWhileInUse overwrites the file below an open database.
func TestDamageWhileInUse(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.fill(2000, time.Hour)
	if _, err := r.file.Load().writing.ExecContext(t.Context(), "PRAGMA wal_checkpoint(truncate); PRAGMA cache_size = 1; PRAGMA shrink_memory"); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(r.path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, _ := f.Stat()
	if _, err := f.WriteAt([]byte(strings.Repeat("x", int(info.Size())-100)), 100); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	for i := range 50 {
		r.Add(day0, one(fmt.Sprint("req_", i)))
	}
	r.flush()
	r.flush()
	if r.said("is damaged; it is kept as") != 1 || r.count("requests") != 50 {
		t.Errorf("%d rows, %q", r.count("requests"), r.messages)
	}
}

func TestOldRecordsAreRemoved(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.fill(6000, 20*24*time.Hour)
	tidy := func(now time.Time, s Settings) {
		s.Enabled, s.Zone = true, zone
		r.settings.Store(&s)
		done := make(chan struct{})
		r.ask <- func() {
			r.mu.Lock()
			r.clock = now
			r.mu.Unlock()
			r.writer.tidy(t.Context())
			close(done)
		}
		<-done
	}
	size := func() (n int64) {
		n, err := r.file.Load().used()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	now := day0.Add(20 * 24 * time.Hour)
	tidy(now, Settings{Keep: 10 * 24 * time.Hour, MaxSize: 1 << 30})
	oldest, orphans, pages := int64(0), 0, 0
	scan(t, r.reader().db, "SELECT min(time) FROM requests", &oldest)
	scan(t, r.reader().db, "SELECT count(*) FROM attempts WHERE request NOT IN (SELECT seq FROM requests)", &orphans)
	if rows := r.count("requests"); rows < 2000 || rows > 4000 || time.UnixMilli(oldest).Before(now.Add(-10*24*time.Hour)) || orphans > 0 {
		t.Errorf("%d rows from %s, %d attempts of none", rows, time.UnixMilli(oldest), orphans)
	}
	before := size()
	tidy(now, Settings{Keep: 10 * 24 * time.Hour, MaxSize: before * 3 / 4})
	if after := size(); after > before*3/4 || after < before/4 {
		t.Errorf("%d bytes of %d", after, before)
	}
	sum := 0
	scan(t, r.reader().db, "SELECT sum(requests) FROM daily", &sum)
	scan(t, r.reader().db, "SELECT freelist_count FROM pragma_freelist_count", &pages)
	if sum != 6000 || pages > 2000 {
		t.Errorf("sums of %d requests, %d free pages", sum, pages)
	}
	tidy(now.AddDate(3, 0, 0), Settings{Keep: time.Hour, MaxSize: 1 << 30})
	if r.count("daily")+r.count("hourly")+r.count("requests")+r.count("attempts") != 0 {
		t.Error("old sums are not removed")
	}
	if len(r.messages) != 0 {
		t.Errorf("%q", r.messages)
	}
}

// writeUntilKilled runs in a child process: it adds rows and prints which.
func writeUntilKilled(dir string) {
	s := Start(Options{Dir: dir})
	s.Configure(Settings{Enabled: true, Keep: 30 * 24 * time.Hour, MaxSize: 1 << 30, Zone: zone})
	keys, _ := strconv.Atoi(os.Getenv("AITUNNEL_HISTORY_KEYS"))
	for i := 0; ; i++ {
		r := one(fmt.Sprint("req_", i))
		if keys > 0 {
			r.Key, r.Model = fmt.Sprint("key-", i%keys), fmt.Sprint("model-", i%7)
		}
		s.Add(time.Now(), r)
		fmt.Println(i, time.Now().UnixMilli())
		time.Sleep(time.Millisecond)
	}
}

// TestAKilledProgramLosesNoOldRow kills a process that writes: rows older than two seconds
// are kept, and the file is not damaged. AITUNNEL_SOAK=1 does it 30 times.
func TestAKilledProgramLosesNoOldRow(t *testing.T) {
	t.Parallel()
	rounds := 1
	if os.Getenv("AITUNNEL_SOAK") != "" {
		rounds = 30
	}
	dir := t.TempDir()
	for round := range rounds {
		if err := os.RemoveAll(filepath.Join(dir, FileName)); err != nil && round%2 == 0 {
			t.Fatal(err) // every second round uses the file of the last
		}
		killedRound(t, dir, 2200*time.Millisecond+time.Duration(round*37)*time.Millisecond)
	}
}

func killedRound(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this test
	child.Env = append(os.Environ(), "AITUNNEL_HISTORY_CHILD="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	type line struct{ i, at int64 }
	var said []line
	begun := time.Now()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		i, at, _ := strings.Cut(lines.Text(), " ")
		var l line
		l.i, _ = strconv.ParseInt(i, 10, 64)
		l.at, _ = strconv.ParseInt(at, 10, 64)
		said = append(said, l)
		if time.Since(begun) > after {
			_ = child.Process.Kill()
		}
	}
	_ = child.Wait()
	killed := said[len(said)-1].at
	db, err := sql.Open("sqlite", filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	check := ""
	scan(t, db, "PRAGMA integrity_check", &check)
	if check != "ok" {
		t.Errorf("the file is damaged: %s", check)
	}
	last := int64(-1)
	scan(t, db, fmt.Sprintf("SELECT coalesce(max(CAST(substr(id, 5) AS INTEGER)), -1) FROM requests WHERE time >= %d", said[0].at-100), &last)
	for _, l := range said {
		if l.at < killed-2000 && l.i > last {
			t.Fatalf("row %d, %d ms before the end, is lost: the last is %d", l.i, killed-l.at, last)
		}
	}
	if last < 0 {
		t.Errorf("none of %d rows was kept", len(said))
	}
	next := newRig(t, dir)
	testhelp.Eventually(t, "the next program opens the file", func() bool { return next.file.Load() != nil })
	next.compareSums("requests")
	next.stop()
}
