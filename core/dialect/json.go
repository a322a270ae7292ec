package dialect

import (
	"bytes"
	"strings"
	"unsafe"

	"github.com/tidwall/gjson"
)

// jsonScan finds the end of a JSON value that arrives in pieces. It reads each byte once.
type jsonScan struct {
	depth   int
	quoted  bool
	escaped bool
}

// end returns how many bytes of b belong to the value, -1 if it does not end in b. It
// recognizes the end of objects and arrays only.
func (j *jsonScan) end(b []byte) int {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if j.quoted {
			switch {
			case j.escaped:
				j.escaped = false
			case c == '\\':
				j.escaped = true
			case c == '"':
				j.quoted = false
			default:
				if n := plainRun(b[i:]); n > 1 {
					i += n - 1
				}
			}
			continue
		}
		switch c {
		case '"':
			j.quoted = true
		case '{', '[':
			j.depth++
		case '}', ']':
			if j.depth--; j.depth <= 0 {
				return i + 1
			}
		}
	}
	return -1
}

// plainRun returns how many bytes precede the next quote or backslash. It searches a
// window only, so that the search for one does not pass many of the other.
func plainRun(b []byte) int {
	window := b[:min(len(b), 256)]
	if i := bytes.IndexByte(window, '"'); i >= 0 {
		window = window[:i]
	}
	if i := bytes.IndexByte(window, '\\'); i >= 0 {
		return i
	}
	return len(window)
}

// parse parses b without copying it: the result is valid until b changes.
func parse(b []byte) gjson.Result {
	return gjson.Parse(unsafe.String(unsafe.SliceData(b), len(b)))
}

// isBlank reports whether a value is empty: null, false, "", {}, [].
func isBlank(v gjson.Result) bool {
	switch v.Type {
	case gjson.Null, gjson.False:
		return true
	case gjson.String:
		return v.Str == ""
	case gjson.JSON:
		return strings.TrimSpace(v.Raw[1:max(len(v.Raw)-1, 1)]) == ""
	}
	return false
}

// firstByte returns the first byte that is not blank, 0 if there is none.
func firstByte(b []byte) byte {
	if n := blanks(b, true); n < len(b) {
		return b[n]
	}
	return 0
}
