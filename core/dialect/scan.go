package dialect

import "bytes"

// Found is the result of searching the beginning of a request's body.
type Found uint8

// The results.
const (
	Absent     Found = iota // it is not in the body
	Incomplete              // it may be in the rest of the body
	Present                 // it was found
)

// topLevel finds the value of a top-level field of a JSON object, of which b is the
// beginning: b[start:end]. If the field is repeated, the last one counts, as in the
// parsers of sites.
func topLevel(b []byte, field string) (start, end int, found Found) {
	found = eachField(b, func(name []byte, s, e int) bool {
		if isName(name, field) {
			start, end = s, e
		}
		return true
	})
	if end > 0 {
		found = Present
	}
	return start, end, found
}

// eachField visits the top-level fields of a JSON object, of which b is the beginning,
// with their quoted names and the positions of their values, until visit returns
// false. It returns Present if visit did, Incomplete if b ended before the object, and
// Absent if all fields were visited or b is not an object.
func eachField(b []byte, visit func(name []byte, start, end int) bool) Found {
	i := skipBlank(b, len(b)-len(bytes.TrimPrefix(b, byteOrderMark)))
	if i == len(b) {
		return Incomplete
	}
	if b[i] != '{' {
		return Absent
	}
	for i++; ; {
		for i < len(b) && (b[i] == ',' || isBlankByte(b[i])) {
			i++
		}
		if i == len(b) {
			return Incomplete
		}
		if b[i] != '"' {
			return Absent // the end of the object, or not JSON
		}
		nameEnd, ok := skipString(b, i)
		if !ok {
			return Incomplete
		}
		name := b[i:nameEnd]
		if i = skipBlank(b, nameEnd); i == len(b) {
			return Incomplete
		}
		if b[i] != ':' {
			return Absent
		}
		start := skipBlank(b, i+1)
		end, ok := skipValue(b, start)
		switch {
		case !ok:
			return Incomplete
		case end == start:
			return Absent
		case !visit(name, start, end):
			return Present
		}
		i = end
	}
}

// byteOrderMark is added by some editors at the beginning of a text.
var byteOrderMark = []byte("\ufeff")

// skipValue returns the index after the value that begins at i; false if it does not end in
// b.
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

// skipString returns the index after the string that begins at i; false if it does not end
// in b.
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
