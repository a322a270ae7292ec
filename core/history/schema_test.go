package history

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// TestFilesOfEarlierVersions: a file of each earlier schema is brought up to
// date, and what it holds can be read.
func TestFilesOfEarlierVersions(t *testing.T) {
	t.Parallel()
	for version := 1; version < len(migrations); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			dir := t.TempDir()
			db, err := sql.Open("sqlite", filepath.Join(dir, FileName))
			if err != nil {
				t.Fatal(err)
			}
			for i, script := range migrations[:version] {
				if _, err := db.ExecContext(t.Context(), fmt.Sprintf("%s; PRAGMA user_version = %d; PRAGMA application_id = %d", script, i+1, applicationID)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := db.ExecContext(t.Context(), `INSERT INTO requests VALUES (1, ?, 'req_old', 'laptop', '', 'POST', '/v1/messages', 'anthropic', 'generate', 'm', '', '/**',
				'a', 'k1', '', 200, 'good', '', 0, 0, 1000, 2000, 1, 10, 20, 1, 2, 0, 0, 0, NULL, '')`, day0.UnixMilli()); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			r := newRig(t, dir)
			r.Add(day0.Add(time.Hour), one("req_new"))
			r.flush()
			page, err := r.reader().Requests(t.Context(), Filter{}, "", 10)
			if err != nil || len(page.Records) != 2 || page.Records[1].ID != "req_old" || page.Records[1].Client != "laptop" {
				t.Errorf("%+v, %v", page.Records, err)
			}
		})
	}
}
