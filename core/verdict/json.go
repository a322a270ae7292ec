package verdict

import (
	"bytes"
	"iter"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// object is a JSON object's fields in their order. They are read once, because every
// lookup by path would scan a large body again.
type object []field

type field struct {
	name  string
	value gjson.Result
}

func objectOf(r gjson.Result) object {
	if !r.IsObject() {
		return nil
	}
	var o object
	r.ForEach(func(k, v gjson.Result) bool {
		o = append(o, field{k.Str, v})
		return true
	})
	return o
}

// get finds a field by its name, in upper or lower case.
func (o object) get(names ...string) gjson.Result {
	for _, name := range names {
		for _, f := range o {
			if strings.EqualFold(f.name, name) {
				return f.value
			}
		}
	}
	return gjson.Result{}
}

// scalar returns a JSON scalar as text: a string without quotes, anything else as in
// JSON. It is "" for null, objects and arrays.
func scalar(r gjson.Result) string {
	switch r.Type {
	case gjson.String:
		return r.Str
	case gjson.Number, gjson.True, gjson.False:
		return r.Raw
	}
	return ""
}

// walk calls visit with each scalar at path below r, until it returns true. A
// segment "*" matches any element of an array or field of an object.
func walk(r gjson.Result, path []string, visit func(string) bool) bool {
	if len(path) == 0 {
		return !r.IsObject() && !r.IsArray() && r.Exists() && visit(scalar(r))
	}
	done := false
	step := func(i int, k, v gjson.Result) bool {
		if path[0] == "*" || r.IsObject() && k.Str == path[0] || r.IsArray() && path[0] == strconv.Itoa(i) {
			done = walk(v, path[1:], visit)
		}
		return !done
	}
	if !r.IsObject() && !r.IsArray() {
		return false
	}
	i := 0
	r.ForEach(func(k, v gjson.Result) bool {
		i++
		return step(i-1, k, v)
	})
	return done
}

// at is walk from an object whose fields have been read.
func (o object) at(path []string, visit func(string) bool) bool {
	for _, f := range o {
		if (path[0] == "*" || f.name == path[0]) && walk(f.value, path[1:], visit) {
			return true
		}
	}
	return false
}

// splitPath splits a path at its dots; `\.` is a dot in a name.
func splitPath(path string) []string {
	const escaped = "\x00"
	parts := strings.Split(strings.ReplaceAll(path, `\.`, escaped), ".")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], escaped, ".")
	}
	return parts
}

// documents calls visit with each JSON object of a body until it returns true:
// the body itself, the elements of an array, the lines of NDJSON, or the data
// of server-sent events.
func documents(body []byte, visit func(gjson.Result) bool) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	switch {
	case len(body) == 0:
	case body[0] == '[':
		gjson.ParseBytes(body).ForEach(func(_, v gjson.Result) bool { return !v.IsObject() || !visit(v) })
	case body[0] == '{':
		first := gjson.ParseBytes(body)
		if !hasField(first) {
			return // not JSON, such as a printed Python object
		}
		if !visit(first) && bytes.Contains(body, []byte("\n{")) {
			lines(body[len(firstValue(first.Raw)):], visit)
		}
	case isEventStream(body):
		events(body, visit)
	}
}

func hasField(r gjson.Result) bool {
	found := false
	r.ForEach(func(k, _ gjson.Result) bool { found = k.Type == gjson.String; return false })
	return found
}

// firstValue returns the JSON object that text begins with.
func firstValue(text string) string {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return text[:i+1]
			}
		}
	}
	return text
}

func lines(body []byte, visit func(gjson.Result) bool) {
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] == '{' && visit(gjson.ParseBytes(line)) {
			return
		}
	}
}

func isEventStream(body []byte) bool {
	for _, p := range []string{"data:", "event:", "id:", "retry:", ":"} {
		if bytes.HasPrefix(body, []byte(p)) {
			return true
		}
	}
	return false
}

// events visits the JSON of server-sent events.
func events(body []byte, visit func(gjson.Result) bool) {
	for _, data := range eachEvent(body) {
		if len(data) > 0 && data[0] == '{' && visit(gjson.ParseBytes(data)) {
			return
		}
	}
}

// errorEvent is the data of the first event called "error".
func errorEvent(body []byte) ([]byte, bool) {
	for name, data := range eachEvent(body) {
		if name == "error" {
			return data, true
		}
	}
	return nil, false
}

// eachEvent reads server-sent events with any line endings (HTML standard,
// 9.2.6): their names and data.
func eachEvent(body []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		body = bytes.ReplaceAll(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
		for event := range bytes.SplitSeq(body, []byte("\n\n")) {
			var name string
			var data []byte
			for line := range bytes.SplitSeq(event, []byte("\n")) {
				if d, ok := bytes.CutPrefix(line, []byte("data:")); ok {
					data = append(append(data, bytes.TrimPrefix(d, []byte(" "))...), '\n')
				} else if n, ok := bytes.CutPrefix(line, []byte("event:")); ok {
					name = string(bytes.TrimSpace(n))
				}
			}
			if !yield(name, bytes.TrimSpace(data)) {
				return
			}
		}
	}
}
