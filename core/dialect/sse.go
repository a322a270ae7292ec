package dialect

import "bytes"

// sse splits a stream into server-sent events (HTML standard, 9.2.6). Lines may end with
// LF, CR, CRLF, or any mixture of them.
type sse struct {
	line    []byte // the beginning of a line, from earlier pieces
	lineCut bool   // the line is longer than what is kept of it
	inLine  bool   // a line has begun and not ended
	data    []byte // the event's data, if it is in several pieces or lines
	name    []byte
	fields  bool // the event has a field
	hasData bool
	cut     bool
	cr      bool // the last piece ended with CR: if LF follows, it belongs to it
	used    bool // data and name belong to an event that was returned
}

const maxKept = 4 << 10 // bytes of buffers kept between two events

func (s *sse) reused() sse { return sse{line: s.line[:0], data: s.data[:0], name: s.name[:0]} }

// open reports whether an event, or a line, has begun and not ended.
func (s *sse) open() bool { return s.fields || s.inLine }

func (s *sse) next(b []byte) (e Event, n int, ok bool) {
	if s.used {
		s.clear()
	}
	var data []byte // the event's data, while it is in b
	i := 0
	if s.cr {
		s.cr = false
		if b[0] == '\n' {
			i = 1
		}
	}
	for i < len(b) {
		line, n := s.nextLine(b[i:])
		if n == 0 {
			break
		}
		i += n
		switch {
		case len(line.text) == 0 && s.fields:
			if data != nil {
				s.hasData = true
			} else {
				data = s.data
			}
			s.used = true
			return s.event(data), i, true
		case len(line.text) == 0, line.text[0] == ':' && !s.fields:
			return Event{Kind: KeepAlive}, i, true
		case line.text[0] == ':':
			continue
		}
		s.fields = true
		name, value := field(line.text)
		switch string(name) {
		case "event":
			s.name = append(s.name[:0], value...)
		case "data":
			switch {
			case !s.hasData && data == nil && !line.copied && len(value) <= MaxEvent && len(value) > 0:
				data = value
			default:
				if data != nil {
					s.addData(data, false)
					data = nil
				}
				s.addData(value, line.cut)
			}
		}
	}
	if data != nil {
		s.addData(data, false)
	}
	return Event{}, len(b), false
}

// sseLine is a line without its end.
type sseLine struct {
	text   []byte
	copied bool // it began in an earlier piece, and text is a copy
	cut    bool // it is longer than text
}

// nextLine returns the first line of b, and how many bytes it takes with its end. If b does
// not have its end, it keeps what b has of it, and returns 0.
func (s *sse) nextLine(b []byte) (line sseLine, n int) {
	end := lineEnd(b)
	if end < 0 {
		s.keepLine(b)
		return sseLine{}, 0
	}
	line = sseLine{text: b[:end], copied: s.inLine}
	if line.copied {
		s.keepLine(line.text)
		line.text, line.cut = s.line, s.lineCut
	}
	n = end + 1
	if b[end] == '\r' {
		if n == len(b) {
			s.cr = true
		} else if b[n] == '\n' {
			n++
		}
	}
	s.line, s.lineCut, s.inLine = s.line[:0], false, false
	return line, n
}

// event returns the event that a blank line has ended.
func (s *sse) event(data []byte) Event {
	if isPadding(data) {
		return Event{Kind: kindOfName(s.name)}
	}
	return Event{Name: s.name, Data: data, Cut: s.cut}
}

// kindOfName returns the kind of an event without data.
func kindOfName(name []byte) Kind {
	switch string(name) {
	case "error":
		return Error
	case "ping", "keepalive", "heartbeat":
		return KeepAlive
	}
	return Preamble
}

// isPadding reports whether data is empty, or a comment written as data.
func isPadding(data []byte) bool {
	data = bytes.TrimLeft(data, " \t")
	return len(data) == 0 || data[0] == ':'
}

func (s *sse) end() (Event, bool) {
	if s.used {
		s.clear()
	}
	if s.inLine {
		// The end of the body ends the line and the event.
		if e, _, ok := s.next([]byte("\n")); ok {
			return e, true
		}
	}
	if !s.fields {
		return Event{}, false
	}
	s.used = true
	return s.event(s.data), true
}

// clear resets the state after an event that was returned.
func (s *sse) clear() {
	s.used, s.fields, s.hasData, s.cut = false, false, false, false
	s.data, s.name = reuse(s.data), reuse(s.name)
	s.line = reuse(s.line)
}

// reuse returns an empty buffer: b if it is small, else nil, so that b is freed.
func reuse(b []byte) []byte {
	if cap(b) > maxKept {
		return nil
	}
	return b[:0]
}

func (s *sse) keepLine(b []byte) {
	s.inLine = true
	if room := MaxEvent + 16 - len(s.line); len(b) > room {
		b, s.lineCut = b[:max(room, 0)], true
	}
	s.line = append(s.line, b...)
}

func (s *sse) addData(value []byte, cut bool) {
	if s.hasData {
		s.data = append(s.data, '\n')
	}
	s.hasData = true
	if room := MaxEvent - len(s.data); len(value) > room {
		value, cut = value[:max(room, 0)], true
	}
	s.cut = s.cut || cut
	s.data = append(s.data, value...)
}

// field splits a line into name and value. A line that is JSON is taken as data: some
// gateways write errors like this.
func field(line []byte) (name, value []byte) {
	if line[0] == '{' {
		return dataName, line
	}
	name, value, _ = bytes.Cut(line, colon)
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	return name, value
}

var (
	dataName = []byte("data")
	colon    = []byte(":")
)

// lineEnd returns the index of the first LF or CR. It searches in steps: otherwise, in a
// stream that has only one of them, each line would search all of b for the other.
func lineEnd(b []byte) int {
	const step = 512
	for at := 0; at < len(b); at += step {
		window := b[at:min(at+step, len(b))]
		lf := bytes.IndexByte(window, '\n')
		if lf >= 0 {
			window = window[:lf]
		}
		if cr := bytes.IndexByte(window, '\r'); cr >= 0 {
			return at + cr
		}
		if lf >= 0 {
			return at + lf
		}
	}
	return -1
}
