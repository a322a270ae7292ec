package history

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// perInsert is how many rows one statement inserts: running a statement takes a third
// of the time of inserting a single row.
const perInsert = 20

// statements are the writer's prepared statements. They bypass database/sql, whose
// copies and checks of arguments take as long as SQLite itself.
type statements struct {
	on     driver.Conn
	row    driver.Stmt
	rows   driver.Stmt   // perInsert at a time
	sums   []driver.Stmt // one for each of sumTables
	unsum  driver.Stmt   // marks rows as not yet in the sums
	summed driver.Stmt   // removes that mark
	args   arguments
}

// arguments are the arguments of a statement.
type arguments []driver.NamedValue

func (a *arguments) add(values ...driver.Value) {
	for _, v := range values {
		*a = append(*a, driver.NamedValue{Ordinal: len(*a) + 1, Value: v})
	}
}

// prepare prepares the statements if that has not been done yet.
func (s *statements) prepare(on driver.Conn) (err error) {
	if s.on == on {
		return nil
	}
	s.close()
	prepare := func(query string) (out driver.Stmt) {
		if err == nil {
			out, err = on.Prepare(query)
		}
		return out
	}
	// With OR FAIL, a statement needs no journal of its own, which would undo its
	// first rows if a later one fails: the whole transaction is rolled back anyway.
	one := strings.Replace(insertInto("requests", requestColumns), "INSERT", "INSERT OR FAIL", 1)
	s.on, s.row = on, prepare(one)
	s.rows = prepare(one + strings.Repeat(", "+placeholders(len(requestColumns)), perInsert-1))
	for _, t := range sumTables {
		s.sums = append(s.sums, prepare(t.add()))
	}
	s.unsum = prepare(markUnsummed)
	s.summed = prepare("DELETE FROM unsummed")
	if err != nil {
		s.close()
	}
	return err
}

func (s *statements) close() {
	for _, one := range append([]driver.Stmt{s.row, s.rows, s.unsum, s.summed}, s.sums...) {
		if one != nil {
			_ = one.Close()
		}
	}
	*s = statements{}
}

// exec runs a statement with the arguments, and clears them.
func (s *statements) exec(to driver.Stmt) error {
	_, err := to.(driver.StmtExecContext).ExecContext(context.Background(), s.args)
	s.args = s.args[:0]
	return err
}

func insertInto(table string, columns []string) string {
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES %s", table, strings.Join(columns, ", "), placeholders(len(columns)))
}

func placeholders(n int) string { return "(?" + strings.Repeat(", ?", n-1) + ")" }

// write writes rows in one transaction, together with all unwritten sums. If all is
// nil, the sums follow later.
func (f *file) write(chunk []item, all deltas) error {
	conn, err := f.writing.Conn(context.Background())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // it stays open in the pool
	return conn.Raw(func(raw any) error {
		on := raw.(driver.Conn)
		if err := f.statements.prepare(on); err != nil {
			return err
		}
		tx, err := on.(driver.ConnBeginTx).BeginTx(context.Background(), driver.TxOptions{})
		if err != nil {
			return err
		}
		if err := f.statements.write(chunk, all); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			_ = tx.Rollback()
			return err
		}
		return nil
	})
}

func (s *statements) write(chunk []item, all deltas) error {
	if all == nil && len(chunk) > 0 {
		if err := s.exec(s.unsum); err != nil { // before the rows: it stores the number that the first one will get
			return err
		}
	}
	for len(chunk) >= perInsert {
		if err := s.insert(s.rows, chunk[:perInsert]); err != nil {
			return err
		}
		chunk = chunk[perInsert:]
	}
	for i := range chunk {
		if err := s.insert(s.row, chunk[i:i+1]); err != nil {
			return err
		}
	}
	if all == nil {
		return nil
	}
	return s.addSums(all)
}

func (s *statements) insert(to driver.Stmt, rows []item) error {
	for _, i := range rows {
		addRow(&s.args, i)
	}
	return s.exec(to)
}

func (s *statements) addSums(all deltas) error {
	for i, t := range sumTables {
		for g, sum := range t.reduce(all) {
			t.addKey(&s.args, g)
			sum.addTo(&s.args)
			if err := s.exec(s.sums[i]); err != nil {
				return err
			}
		}
	}
	return s.exec(s.summed)
}
