package term

import (
	"cmp"
	"io"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/aitunnel/aitunnel/core/config/redact"
)

// Table is text in columns. Cells may be colored.
type Table struct {
	paint Paint
	rows  [][]string
	right map[int]bool // columns of numbers
}

// NewTable starts a table. The names of columns of numbers begin with ">".
func NewTable(p Paint, columns ...string) *Table {
	t := &Table{paint: p, right: map[int]bool{}}
	for i, c := range columns {
		if name, number := strings.CutPrefix(c, ">"); number {
			t.right[i], columns[i] = true, name
		}
		columns[i] = p.Dim(columns[i])
	}
	t.rows = append(t.rows, columns)
	return t
}

// Row adds a row. Empty cells are shown as a dash, and what looks like a key is hidden.
func (t *Table) Row(cells ...string) {
	for i, c := range cells {
		cells[i] = cmp.Or(redact.KeyLike(c), t.paint.Dim("-"))
	}
	t.rows = append(t.rows, cells)
}

// Empty reports whether there are no rows.
func (t *Table) Empty() bool { return len(t.rows) == 1 }

// Write writes the table.
func (t *Table) Write(w io.Writer) error {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], lipgloss.Width(c))
		}
	}
	var out strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		for i, c := range row {
			pad := strings.Repeat(" ", widths[i]-lipgloss.Width(c))
			if t.right[i] {
				c = pad + c
			} else {
				c += pad
			}
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(c)
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}
