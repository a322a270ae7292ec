package dialect

import (
	"bytes"
	"strings"
	"unsafe"

	"github.com/tidwall/gjson"
)

// jsonScan finds the end of a JSON value that comes in pieces. It looks at each
// byte once.
type jsonScan struct {
	depth   int
	quoted  bool
	escaped bool
}

// end returns how many bytes of b belong to the value, -1 if it does not end there.
// Only objects and arrays end.
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

// plainRun returns how many bytes pass before the next quote or backslash, looked
// for in a window: the search for one must not run past many of the other.
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

// parse reads b without copying it: the result is valid as long as b stays as it is.
func parse(b []byte) gjson.Result {
	return gjson.Parse(unsafe.String(unsafe.SliceData(b), len(b)))
}

// isBlank reports whether a value holds nothing: null, false, "", {}, [].
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
