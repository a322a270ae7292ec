package dialect

import "bytes"

// Found is the result of searching the beginning of a request's body.
type Found uint8

// The results.
const (
	None   Found = iota // it is not there
	NotYet              // it may come in what was not seen
	Yes                 // it is there
)

// topLevel finds the value of a field at the top of a JSON object, of which b
// is the beginning: b[start:end]. Of several of that name the last counts, as it
// does for the parsers of sites.
func topLevel(b []byte, field string) (start, end int, found Found) {
	found = eachField(b, func(name []byte, s, e int) bool {
		if isName(name, field) {
			start, end = s, e
		}
		return true
	})
	if end > 0 {
		found = Yes
	}
	return start, end, found
}

// eachField visits the fields at the top of a JSON object, of which b is the
// beginning, with their quoted names and the places of their values, until visit
// returns false. It returns Yes if visit ended it, NotYet if b did, and None if
// the object did, or if there is none.
func eachField(b []byte, visit func(name []byte, start, end int) bool) Found {
	i := skipBlank(b, len(b)-len(bytes.TrimPrefix(b, byteOrderMark)))
	if i == len(b) {
		return NotYet
	}
	if b[i] != '{' {
		return None
	}
	for i++; ; {
		for i < len(b) && (b[i] == ',' || isBlankByte(b[i])) {
			i++
		}
		if i == len(b) {
			return NotYet
		}
		if b[i] != '"' {
			return None // the end of the object, or no JSON
		}
		nameEnd, ok := skipString(b, i)
		if !ok {
			return NotYet
		}
		name := b[i:nameEnd]
		if i = skipBlank(b, nameEnd); i == len(b) {
			return NotYet
		}
		if b[i] != ':' {
			return None
		}
		start := skipBlank(b, i+1)
		end, ok := skipValue(b, start)
		switch {
		case !ok:
			return NotYet
		case end == start:
			return None
		case !visit(name, start, end):
			return Yes
		}
		i = end
	}
}

// byteOrderMark is what some editors put before a text.
var byteOrderMark = []byte("\ufeff")

// skipValue is the place after the value that begins at i; false if it does not
// end in b.
func skipValue(b []byte, i int) (int, bool) {
	if i == len(b) {
		return i, false
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		var j jsonScan
		n := j.end(b[i:])
		return i + n, n > 0
	}
	n := bytes.IndexAny(b[i:], ",}] \t\r\n")
	return i + n, n >= 0
}

// skipString is the place after the string that begins at i.
func skipString(b []byte, i int) (int, bool) {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		default:
			if n := plainRun(b[i:]); n > 1 {
				i += n - 1
			}
		}
	}
	return len(b), false
}

func skipBlank(b []byte, i int) int {
	for i < len(b) && isBlankByte(b[i]) {
		i++
	}
	return i
}

func isBlankByte(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// isName compares a quoted name, which may have escapes, with a field's.
func isName(quoted []byte, field string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == field
	}
	return unquote(quoted) == field
}
