package history

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeOlder writes a file with an earlier version of the schema. The first version has 20
// requests of [generated].
func writeOlder(t *testing.T, version int) (dir string) {
	t.Helper()
	first, err := os.ReadFile("testdata/version1.sql")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := connect(path, "rw", 1)
	if err != nil {
		t.Fatal(err)
	}
	script := string(first) + strings.Join(migrations()[1:version], "\n") + fmt.Sprintf("PRAGMA user_version = %d;", version)
	if _, err := db.ExecContext(t.Context(), script); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestFilesOfEarlierVersions: a file of each earlier schema is upgraded without loss, by the
// program and by a command.
func TestFilesOfEarlierVersions(t *testing.T) {
	t.Parallel()
	for version := 1; version < len(migrations()); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			r := newRig(t, writeOlder(t, version))
			r.Add(day0.Add(-time.Hour), one("req_new"))
			r.flush()
			checkOlder(t, r.reader(), 21)
			if len(r.messages) != 0 {
				t.Errorf("%q", r.messages)
			}
			reader, closeIt, err := Open(writeOlder(t, version), zone)
			if err != nil {
				t.Fatal(err)
			}
			defer closeIt()
			checkOlder(t, reader, 20)
		})
	}
}

func checkOlder(t *testing.T, reader *Reader, n int) {
	t.Helper()
	page, err := reader.Requests(t.Context(), Filter{}, "", 100)
	if err != nil || len(page.Records) != n || page.Records[0].ID != "req_0000000000000019" || page.Records[0].Channel == "" {
		t.Errorf("%d records: %+v, %v", len(page.Records), page.Records, err)
	}
	for _, q := range []UsageQuery{{By: []Dimension{ByDay, ByModel}}, {By: []Dimension{ByClient, ByModel}}, {By: []Dimension{ByKey, ByChannel}}} {
		got, err := reader.Usage(t.Context(), q, day0.AddDate(1, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		if want := fromRows(t, reader, q, got.From, got.To); got.Total.Requests != int64(n) || lines(got) != want {
			t.Errorf("%v:\n%s\nwant\n%s", q.By, lines(got), want)
		}
	}
}
