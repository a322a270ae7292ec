package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Filter selects requests. An empty field matches all. In Client, Channel, Key and
// Model, * matches any characters.
type Filter struct {
	From, To time.Time // From is included, To is not
	Client   string
	Channel  string
	Key      string
	Model    string
	Status   string // such as "502" or "5xx"
	Verdict  string
	Failed   bool
	Retried  bool   // more than one attempt was made
	Text     string // in the ID, path, model, or error; needs From

	keys []string // the IDs of the key, if it has had several
}

// Page is a page of requests, the newest first.
type Page struct {
	Records []Record `json:"requests"`
	Next    string   `json:"next,omitempty"` // the cursor of the next page; "": there is none

	// SearchedTo is how far back the search went, if it read many requests that do not
	// match before the page was full. The next page continues from there.
	SearchedTo *time.Time `json:"searched_to,omitempty"`
}

// MaxPage is the maximum number of requests on a page.
const MaxPage = 1000

// QueryError says what is wrong with a query.
type QueryError struct{ Message string }

func (e *QueryError) Error() string { return e.Message }

// ErrNoHistory means that the history file does not exist.
var ErrNoHistory = errors.New("there is no history yet")

// NotFoundError says that the history has no request with the ID.
type NotFoundError struct{ ID string }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("the history has no request %q: the ID may be incomplete, or the record was removed because of its age", e.ID)
}

// Reader runs queries.
type Reader struct {
	db   *sql.DB
	zone *time.Location
	scan int // about how many requests are read for a page; 0: maxScan

	estimator Estimator // nil: costs are not estimated
}

// freshness is how long a query waits for queued rows to be written.
const freshness = 200 * time.Millisecond

// ReadFresh returns a reader that sees everything added before the call, or, if
// writing that takes too long, what has been written so far.
func (s *Store) ReadFresh(ctx context.Context) (*Reader, error) {
	return s.readAfter(ctx, freshness)
}

func (s *Store) readAfter(ctx context.Context, most time.Duration) (*Reader, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	s.do(ctx, func() { s.writer.catchUp(ctx) })
	return s.Read()
}

// Read returns a reader of what has been written so far.
func (s *Store) Read() (*Reader, error) {
	f := s.file.Load()
	if f == nil {
		return nil, ErrNoHistory
	}
	return &Reader{db: f.reading, zone: s.settings.Load().Zone}, nil
}

// condition builds a WHERE clause.
type condition struct {
	terms   []string
	args    []any
	columns []string // those matched against a name
}

func (c *condition) add(term string, args ...any) {
	c.terms = append(c.terms, term)
	c.args = append(c.args, args...)
}

func (c *condition) where() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}

// name matches a column against a value in which * matches any characters.
func (c *condition) name(column, value string) {
	if value == "" {
		return
	}
	c.columns = append(c.columns, column)
	switch {
	case isPattern(value):
		escaped := strings.NewReplacer("[", "[[]", "?", "[?]").Replace(value)
		c.add(column+" GLOB ?", escaped)
	default:
		c.add(column+" = ?", value)
	}
}

// oneOf matches a column against several values.
func (c *condition) oneOf(column string, values []string) {
	c.columns = append(c.columns, column)
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	c.add(column+" IN "+placeholders(len(values)), args...)
}

func isPattern(value string) bool { return strings.Contains(value, "*") }

func (c *condition) names(f Filter) {
	c.name("client", f.Client)
	c.name("channel", f.Channel)
	if len(f.keys) > 0 {
		c.oneOf("key", f.keys)
	} else {
		c.name("key", f.Key)
	}
	c.name("model", f.Model)
}

func (c *condition) times(f Filter) {
	if !f.From.IsZero() {
		c.add("time >= ?", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		c.add("time < ?", f.To.UnixMilli())
	}
}

func (f Filter) condition() (c condition, err error) {
	c.times(f)
	c.names(f)
	c.name("verdict", f.Verdict)
	if f.Failed || isFailure(f.Status) {
		c.add("failed")
	}
	if f.Retried {
		c.add("attempts > 1")
	}
	if err := c.status(f.Status); err != nil {
		return c, err
	}
	if f.Text != "" {
		if f.From.IsZero() {
			return c, &QueryError{"a text search needs a start time: set from, too"}
		}
		like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(f.Text) + "%"
		c.add(`(id LIKE ? ESCAPE '\' OR path LIKE ? ESCAPE '\' OR model LIKE ? ESCAPE '\' OR error LIKE ? ESCAPE '\')`, like, like, like, like)
	}
	return c, nil
}

func (c *condition) status(status string) error {
	if status == "" {
		return nil
	}
	if class, ok := strings.CutSuffix(status, "xx"); ok && len(class) == 1 && class >= "1" && class <= "5" {
		n, _ := strconv.Atoi(class)
		c.add("status >= ? AND status < ?", n*100, n*100+100)
		return nil
	}
	n, err := strconv.Atoi(status)
	if err != nil || n < 100 || n > 599 {
		return &QueryError{fmt.Sprintf("%q is not a status: expected a number such as 502, or a class such as 5xx", status)}
	}
	c.add("status = ?", n)
	return nil
}

var selectRequests = "SELECT seq, " + strings.Join(requestColumns, ", ") + " FROM requests"

// pageQuery returns the query for a page of at most n requests, and its arguments.
func (r *Reader) pageQuery(ctx context.Context, f Filter, cursor string, n int) (query string, args []any, s search, err error) {
	c, err := f.condition()
	if err != nil {
		return "", nil, s, err
	}
	var within condition
	within.times(f)
	if cursor != "" {
		at, seq, err := parseCursor(cursor)
		if err != nil {
			return "", nil, s, err
		}
		c.add("(time, seq) < (?, ?)", at, seq)
		within.add("(time, seq) < (?, ?)", at, seq)
	}
	if s, err = r.choose(ctx, f, within); err != nil {
		return "", nil, s, err
	}
	if s.bounded {
		c.add("time >= ?", s.floor)
	}
	return selectRequests + " INDEXED BY " + s.index + c.where() + " ORDER BY time DESC, seq DESC LIMIT " + strconv.Itoa(n), c.args, s, nil
}

// Requests returns a page of at most n requests, after the one that cursor names.
func (r *Reader) Requests(ctx context.Context, f Filter, cursor string, n int) (Page, error) {
	n = min(max(n, 1), MaxPage)
	f, err := f.withIDs(ctx, r.db)
	if err != nil {
		return Page{}, err
	}
	query, args, search, err := r.pageQuery(ctx, f, cursor, n+1)
	if err != nil {
		return Page{}, err
	}
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return Page{}, err
	}
	defer func() { _ = rows.Close() }()
	page := Page{Records: []Record{}}
	var last int64
	for rows.Next() {
		if len(page.Records) == n {
			page.Next = fmt.Sprintf("%d.%d", page.Records[n-1].Time.UnixMilli(), last)
			break
		}
		var record Record
		if last, err = record.read(rows); err != nil {
			return Page{}, err
		}
		page.Records = append(page.Records, record)
	}
	if search.bounded && page.Next == "" {
		to := time.UnixMilli(search.floor)
		page.Next, page.SearchedTo = fmt.Sprintf("%d.0", search.floor), &to
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return Page{}, err
	}
	return page, r.followKeys(ctx, page.Records)
}

func parseCursor(s string) (at, seq int64, err error) {
	first, second, _ := strings.Cut(s, ".")
	at, err = strconv.ParseInt(first, 10, 64)
	if err == nil {
		seq, err = strconv.ParseInt(second, 10, 64)
	}
	if err != nil {
		return 0, 0, &QueryError{"the cursor is not valid: use next of the previous page"}
	}
	return at, seq, nil
}

// Each calls f with every request that the filter matches, the newest first.
func (r *Reader) Each(ctx context.Context, f Filter, each func(Record) error) error {
	for cursor := ""; ; {
		page, err := r.Requests(ctx, f, cursor, MaxPage)
		if err != nil {
			return err
		}
		for _, record := range page.Records {
			if err := each(record); err != nil {
				return err
			}
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

// Request returns a request with its attempts.
func (r *Reader) Request(ctx context.Context, id string) (Record, error) {
	var record Record
	seq, err := record.read(r.db.QueryRowContext(ctx, selectRequests+" WHERE id = ? ORDER BY seq DESC LIMIT 1", id))
	if errors.Is(err, sql.ErrNoRows) {
		return record, &NotFoundError{id}
	}
	if err != nil {
		return record, err
	}
	if record.attemptList != "" {
		record.Attempts, err = attemptsOf(record.attemptList)
	} else {
		err = r.readAttempts(ctx, seq, &record)
	}
	one := []Record{record}
	err = errors.Join(err, r.followKeys(ctx, one))
	return one[0], err
}

// readAttempts reads the attempts of a request that an earlier version recorded.
func (r *Reader) readAttempts(ctx context.Context, seq int64, to *Record) error {
	rows, err := r.db.QueryContext(ctx, "SELECT "+strings.Join(attemptColumns, ", ")+" FROM attempts WHERE request = ? ORDER BY n", seq)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		a, err := readAttempt(rows)
		if err != nil {
			return err
		}
		to.Attempts = append(to.Attempts, a)
	}
	return rows.Err()
}
