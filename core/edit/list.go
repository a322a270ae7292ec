package edit

import (
	"bytes"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// push adds a value to the end of a list, in the layout of the list: on one line, or each on a line of its own.
func (f *file) push(list *hclsyntax.TupleConsExpr, value string) {
	closing := list.Range().End.Byte - 1
	if len(list.Exprs) == 0 {
		f.splice(closing, closing, value)
		return
	}
	last := list.Exprs[len(list.Exprs)-1].Range()
	comma := f.comma(last.End.Byte, closing)
	if comma < 0 && bytes.HasPrefix(f.text[last.Start.Byte:], []byte("<<")) {
		// The end of a heredoc must be alone on its line, so the comma goes to the next one.
		at := f.nextLine(last.End.Byte)
		f.splice(at, at, f.indent(closing)+", "+value+"\n")
		return
	}
	if f.lineEnd(last.End.Byte) >= closing {
		if comma < 0 {
			f.splice(last.End.Byte, last.End.Byte, ", "+value)
		} else {
			f.splice(comma+1, comma+1, " "+value)
		}
		return
	}
	line := f.lineEnd(last.End.Byte)
	f.splice(line, line, "\n"+f.indent(last.Start.Byte)+value+",")
	if comma < 0 {
		f.splice(last.End.Byte, last.End.Byte, ",")
	}
}

// comma finds the comma between two places, ignoring comments; -1 if there is none.
func (f *file) comma(from, to int) int {
	for i := from; i < to; i++ {
		switch {
		case f.text[i] == ',':
			return i
		case f.text[i] == '#', bytes.HasPrefix(f.text[i:], []byte("//")):
			i = f.lineEnd(i)
		case bytes.HasPrefix(f.text[i:], []byte("/*")):
			end := bytes.Index(f.text[i:], []byte("*/"))
			if end < 0 {
				return -1
			}
			i += end + 1
		}
	}
	return -1
}

// drop removes an entry of a list. If it is alone on its lines, they are removed with their
// comments.
func (f *file) drop(list *hclsyntax.TupleConsExpr, i int) {
	r := list.Exprs[i].Range()
	closing := list.Range().End.Byte - 1
	switch {
	case f.alone(r.Start.Byte, r.End.Byte):
		f.cut(r.Start.Byte, r.End.Byte)
	case i+1 < len(list.Exprs):
		f.splice(r.Start.Byte, list.Exprs[i+1].Range().Start.Byte, "")
	case i > 0:
		f.splice(list.Exprs[i-1].Range().End.Byte, r.End.Byte, "")
	default:
		end := r.End.Byte
		if comma := f.comma(end, closing); comma >= 0 {
			end = comma + 1
		}
		f.splice(r.Start.Byte, end, "")
	}
}
