package connect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// editor changes the text of a file; nil is a file that does not exist.
type editor func(text []byte) ([]byte, error)

// member is a value to set in a JSON file, at a path of objects.
type member struct {
	path  []string
	value any
}

// jsonEdits sets members in a file of JSON, which may have comments, trailing
// commas, and names without quotes.
func jsonEdits(members ...member) editor {
	return func(text []byte) ([]byte, error) {
		if len(bytes.TrimSpace(text)) == 0 {
			text = []byte("{}\n")
		}
		for _, m := range members {
			var err error
			if text, err = setMember(text, m); err != nil {
				return nil, err
			}
		}
		return text, nil
	}
}

// setMember sets one member. The text before and after it stays.
func setMember(text []byte, m member) ([]byte, error) {
	s := &scanner{text: text}
	s.space()
	for depth, name := range m.path {
		o, err := s.object()
		if err != nil {
			return nil, err
		}
		found := o.member(name)
		switch last := depth == len(m.path)-1; {
		case found == nil:
			return o.insert(text, name, nest(m.path[depth+1:], m.value))
		case last:
			return replaceValue(text, found, m.value)
		case text[found.start] != '{':
			return replaceValue(text, found, nest(m.path[depth+1:], m.value))
		}
		s.at = found.start
	}
	return text, nil
}

// nest wraps a value in objects.
func nest(path []string, value any) any {
	for i := len(path) - 1; i >= 0; i-- {
		value = map[string]any{path[i]: value}
	}
	return value
}

func replaceValue(text []byte, f *field, value any) ([]byte, error) {
	v, err := formatted(value, indentOf(text, f.name))
	return splice(text, f.start, f.end, v), err
}

func splice(text []byte, from, to int, with []byte) []byte {
	return append(append(append([]byte{}, text[:from]...), with...), text[to:]...)
}

func formatted(value any, indent string) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent(indent, "  ")
	err := e.Encode(value)
	return bytes.TrimSpace(out.Bytes()), err
}

// indentOf returns the indentation of the line at an offset.
func indentOf(text []byte, at int) string {
	line := text[bytes.LastIndexByte(text[:at], '\n')+1 : at]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// object is an object of the text, from its opening brace to the end of its closing one.
type object struct {
	start, end int
	fields     []field
	comma      bool // after the last member
}

// field is a member of an object: where its name begins, and its value.
type field struct {
	key              string
	name, start, end int
}

func (o *object) member(key string) *field {
	for i := len(o.fields) - 1; i >= 0; i-- { // the last of two members applies
		if o.fields[i].key == key {
			return &o.fields[i]
		}
	}
	return nil
}

// insert adds a member at the end of the object, on a line of its own.
func (o *object) insert(text []byte, key string, value any) ([]byte, error) {
	name, err := json.Marshal(key)
	if err != nil {
		return nil, err
	}
	outer := indentOf(text, o.start)
	indent, at, after := outer+"  ", o.start+1, "\n"+outer
	if n := len(o.fields); n > 0 {
		last := o.fields[n-1]
		if line := indentOf(text, last.name); bytes.ContainsRune(text[o.start:last.name], '\n') {
			indent = line
		}
		if o.comma {
			s := &scanner{text: text, at: last.end}
			s.space()
			at = s.at + 1
		} else {
			text = splice(text, last.end, last.end, []byte(","))
			at, o.end = last.end+1, o.end+1
		}
		at = afterComments(text, at)
	}
	if bytes.ContainsRune(text[at:o.end], '\n') {
		after = "" // the brace has a line of its own
	}
	v, err := formatted(value, indent)
	if err != nil {
		return nil, err
	}
	return splice(text, at, at, []byte("\n"+indent+string(name)+": "+string(v)+after)), nil
}

// afterComments returns the place after the comments that follow on the same line, at if there
// are none.
func afterComments(text []byte, at int) int {
	for i := at; ; {
		rest := bytes.TrimLeft(text[i:], " \t")
		i = len(text) - len(rest)
		switch {
		case bytes.HasPrefix(rest, []byte("//")):
			if end := bytes.IndexByte(rest, '\n'); end >= 0 {
				return i + end
			}
			return at
		case bytes.HasPrefix(rest, []byte("/*")):
			end := bytes.Index(rest[2:], []byte("*/"))
			if end < 0 {
				return at
			}
			i += end + 4
			at = i
		default:
			return at
		}
	}
}

// scanner parses JSON only to find the places of values.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) fail(what string) error {
	return fmt.Errorf("line %d: %s", 1+bytes.Count(s.text[:min(s.at, len(s.text))], []byte("\n")), what)
}

func (s *scanner) peek() byte {
	if s.at >= len(s.text) {
		return 0
	}
	return s.text[s.at]
}

// space skips blanks and comments.
func (s *scanner) space() {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch {
		case bytes.HasPrefix(rest, []byte("\uFEFF")):
			s.at += 3
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			s.at++
		case bytes.HasPrefix(rest, []byte("//")):
			s.skipTo("\n")
		case bytes.HasPrefix(rest, []byte("/*")):
			s.at += 2
			s.skipTo("*/")
		default:
			return
		}
	}
}

func (s *scanner) skipTo(end string) {
	if i := bytes.Index(s.text[s.at:], []byte(end)); i >= 0 {
		s.at += i + len(end)
		return
	}
	s.at = len(s.text)
}

// object reads an object with the places of its members.
func (s *scanner) object() (*object, error) {
	if s.peek() != '{' {
		return nil, s.fail("expected {")
	}
	o := &object{start: s.at}
	s.at++
	for {
		s.space()
		if s.peek() == '}' {
			s.at++
			o.end = s.at
			return o, nil
		}
		if len(o.fields) > 0 && !o.comma {
			return nil, s.fail("expected a comma or }")
		}
		f, err := s.field()
		if err != nil {
			return nil, err
		}
		o.fields = append(o.fields, f)
		s.space()
		if o.comma = s.peek() == ','; o.comma {
			s.at++
		}
	}
}

func (s *scanner) field() (f field, err error) {
	f.name = s.at
	if c := s.peek(); c == '"' || c == '\'' {
		if err = s.quoted(); err != nil {
			return f, err
		}
		f.key = string(s.text[f.name+1 : s.at-1])
		if raw := s.text[f.name:s.at]; c == '"' {
			_ = json.Unmarshal(raw, &f.key) // else it is kept as written
		}
	} else {
		s.word()
		f.key = string(s.text[f.name:s.at])
	}
	if f.key == "" && s.at == f.name {
		return f, s.fail("expected a name")
	}
	s.space()
	if s.peek() != ':' {
		return f, s.fail("expected a colon")
	}
	s.at++
	s.space()
	f.start = s.at
	err = s.value()
	f.end = s.at
	return f, err
}

// value skips a value.
func (s *scanner) value() error {
	switch s.peek() {
	case '{':
		_, err := s.object()
		return err
	case '[':
		return s.list()
	case '"', '\'':
		return s.quoted()
	}
	from := s.at
	if s.word(); s.at == from {
		return s.fail("expected a value")
	}
	return nil
}

func (s *scanner) list() error {
	s.at++
	for {
		s.space()
		if s.peek() == ']' {
			s.at++
			return nil
		}
		if err := s.value(); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case ',':
			s.at++
		case ']':
		default:
			return s.fail("expected a comma or ]")
		}
	}
}

func (s *scanner) quoted() error {
	quote := s.peek()
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case quote:
			s.at++
			return nil
		}
	}
	return s.fail("a string is not closed")
}

// word skips a name without quotes, a number, or a literal.
func (s *scanner) word() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n,:{}[]\"'/", s.text[s.at]) < 0 {
		s.at++
	}
}
