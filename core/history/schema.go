package history

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// applicationID marks the file as ours, for file(1) and for us.
const applicationID = 0x6169746e // "aitn"

// migrations lead from each version of the schema to the next; the version of a
// file is its user_version. They are never changed once they were released.
var migrations = sync.OnceValue(func() []string {
	return []string{version1 + hourly.create() + daily.create(), version2, version3(), version4, version5, version6, version7}
})

// version1 is followed by the tables of the first sums. Times are in milliseconds since
// 1970, durations in microseconds, costs in billionths of the currency's unit. A cost is
// null where it is not known.
const version1 = `
CREATE TABLE requests (
	seq                INTEGER PRIMARY KEY,
	time               INTEGER NOT NULL, -- of arrival
	id                 TEXT    NOT NULL,
	client             TEXT    NOT NULL,
	entry              TEXT    NOT NULL,
	method             TEXT    NOT NULL,
	path               TEXT    NOT NULL,
	dialect            TEXT    NOT NULL,
	endpoint           TEXT    NOT NULL,
	model              TEXT    NOT NULL, -- asked for
	sent               TEXT    NOT NULL, -- to the channel, where it is another one
	route              TEXT    NOT NULL,
	channel            TEXT    NOT NULL,
	key                TEXT    NOT NULL,
	egress             TEXT    NOT NULL,
	status             INTEGER NOT NULL,
	verdict            TEXT    NOT NULL,
	error              TEXT    NOT NULL, -- a code
	failed             INTEGER NOT NULL,
	stream             INTEGER NOT NULL,
	ttfb               INTEGER NOT NULL,
	total              INTEGER NOT NULL,
	attempts           INTEGER NOT NULL,
	bytes_in           INTEGER NOT NULL,
	bytes_out          INTEGER NOT NULL,
	tokens_in          INTEGER NOT NULL,
	tokens_out         INTEGER NOT NULL,
	tokens_cache_read  INTEGER NOT NULL,
	tokens_cache_write INTEGER NOT NULL,
	tokens_reasoning   INTEGER NOT NULL,
	cost               INTEGER,
	currency           TEXT    NOT NULL
);
CREATE INDEX requests_time    ON requests (time);
CREATE INDEX requests_id      ON requests (id);
CREATE INDEX requests_model   ON requests (model, time);
CREATE INDEX requests_channel ON requests (channel, time);
CREATE INDEX requests_key     ON requests (key, time);
CREATE INDEX requests_client  ON requests (client, time);
CREATE INDEX requests_failed  ON requests (time) WHERE failed;

CREATE TABLE attempts (
	request INTEGER NOT NULL,
	n       INTEGER NOT NULL, -- from 1
	channel TEXT    NOT NULL,
	key     TEXT    NOT NULL,
	sent    TEXT    NOT NULL,
	status  INTEGER NOT NULL,
	verdict TEXT    NOT NULL, -- what it is about
	means   TEXT    NOT NULL,
	rule    TEXT    NOT NULL,
	egress  TEXT    NOT NULL,
	wait    INTEGER NOT NULL,
	ttfb    INTEGER NOT NULL,
	total   INTEGER NOT NULL,
	undecided INTEGER NOT NULL, -- it failed after all was delivered
	PRIMARY KEY (request, n)
) WITHOUT ROWID;
`

// Which channels were not available, as codes.
const version2 = `
ALTER TABLE requests ADD COLUMN passed_over TEXT NOT NULL DEFAULT ''; -- JSON
`

// version3 adds sums by day for one thing each: years of them are read at once.
func version3() (script string) {
	for _, t := range narrow {
		script += t.create() + t.fill()
	}
	return script
}

// Failed requests are few, and most often looked for: their index has all columns that
// a filter is about, so that only rows that match are read.
const version4 = `
DROP INDEX requests_failed;
CREATE INDEX requests_failed ON requests (time, model, channel, key, client, status, verdict) WHERE failed;
`

// version5 adds when the first content was passed on, and what is to be known of the
// file: the time zone of its days.
const version5 = `
ALTER TABLE requests ADD COLUMN content INTEGER NOT NULL DEFAULT 0; -- 0: not known
CREATE TABLE about (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;
`

// version6 keeps attempts in the row of their request: with one of their own each, most rows
// cost half as much again. The table attempts has those of earlier versions.
const version6 = `
ALTER TABLE requests ADD COLUMN attempt_list TEXT NOT NULL DEFAULT ''; -- JSON
CREATE TABLE unsummed (
	id    INTEGER PRIMARY KEY CHECK (id = 1),
	first INTEGER NOT NULL -- the first request that is in no sums yet
);
`

// version7 adds what callers were told whose requests were refused without asking a channel.
const version7 = `
ALTER TABLE requests ADD COLUMN message TEXT NOT NULL DEFAULT '';
`

// migrate brings the schema up to date, one version in one transaction.
func migrate(ctx context.Context, db *sql.DB) error {
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	if version > len(migrations()) {
		return &newerError{version}
	}
	for ; version < len(migrations()); version++ {
		script := fmt.Sprintf("BEGIN IMMEDIATE;\n%s\nPRAGMA user_version = %d; PRAGMA application_id = %d;\nCOMMIT;", migrations()[version], version+1, applicationID)
		if _, err := db.ExecContext(ctx, script); err != nil {
			return err
		}
	}
	return nil
}

func schemaVersion(ctx context.Context, db *sql.DB) (version int, err error) {
	err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
}

// newerError says that a newer program wrote the file.
type newerError struct{ version int }

func (e *newerError) Error() string {
	return fmt.Sprintf("it was written by a newer version of aitunnel (schema %d, this one knows %d)", e.version, len(migrations()))
}
