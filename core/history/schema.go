package history

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
)

// applicationID identifies the file as a history, for file(1) and for this program.
const applicationID = 0x6169746e // "aitn"

// migrations lead from each version of the schema to the next; the version of a file
// is its user_version. They must not change once they are released.
var migrations = sync.OnceValue(func() []string {
	return []string{version1 + hourly.create() + daily.create(), version2, version3(), version4, version5, version6, version7, version8}
})

// version1 is followed by the tables of the first sums. Times are in milliseconds
// since 1970, durations in microseconds, costs in billionths of the currency's unit.
// An unknown cost is null.
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

// version2 adds the channels that were not available, as codes.
const version2 = `
ALTER TABLE requests ADD COLUMN passed_over TEXT NOT NULL DEFAULT ''; -- JSON
`

// version3 adds sums by day for single columns, with which years can be read at once.
func version3() (script string) {
	for _, t := range narrow {
		script += t.create() + t.fill()
	}
	return script
}

// version4 adds an index for failed requests, which are few and often searched for. It
// covers all columns of a filter, so that only matching rows are read.
const version4 = `
DROP INDEX requests_failed;
CREATE INDEX requests_failed ON requests (time, model, channel, key, client, status, verdict) WHERE failed;
`

// version5 adds when the first content was passed on, and information about the file:
// the time zone of its days.
const version5 = `
ALTER TABLE requests ADD COLUMN content INTEGER NOT NULL DEFAULT 0; -- 0: not known
CREATE TABLE about (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;
`

// version6 stores attempts in the row of their request: most rows took half as much
// space again when each attempt had its own. The table attempts has those of earlier
// versions.
const version6 = `
ALTER TABLE requests ADD COLUMN attempt_list TEXT NOT NULL DEFAULT ''; -- JSON
CREATE TABLE unsummed (
	id    INTEGER PRIMARY KEY CHECK (id = 1),
	first INTEGER NOT NULL -- the first request that is in no sums yet
);
`

// version7 adds the message to the caller of a request that was refused before any
// channel was tried.
const version7 = `
ALTER TABLE requests ADD COLUMN message TEXT NOT NULL DEFAULT '';
`

// version8 adds the keys of the configuration, with those that it had before.
const version8 = `
CREATE TABLE keys (
	channel TEXT    NOT NULL,
	id      TEXT    NOT NULL,
	print   TEXT    NOT NULL, -- of the value, which it does not reveal
	name    TEXT    NOT NULL, -- in lists
	present INTEGER NOT NULL, -- in the configuration
	PRIMARY KEY (channel, id)
) WITHOUT ROWID;
`

// migrate updates the schema in one transaction.
func migrate(ctx context.Context, db *sql.DB) error {
	version, err := schemaVersion(ctx, db)
	newest := len(migrations())
	switch {
	case err != nil || version == newest:
		return err
	case version > newest:
		return &newerError{version}
	}
	script := strings.Join(migrations()[version:], "\n")
	_, err = db.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE;\n%s\nPRAGMA user_version = %d; PRAGMA application_id = %d;\nCOMMIT;", script, newest, applicationID))
	return err
}

func schemaVersion(ctx context.Context, db *sql.DB) (version int, err error) {
	err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
}

// newerError says that a newer program has written the file.
type newerError struct{ version int }

func (e *newerError) Error() string {
	return fmt.Sprintf("it was written by a newer version of aitunnel (schema %d, this one knows %d)", e.version, len(migrations()))
}
