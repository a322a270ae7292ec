package dialect

import "bytes"

// sse divides server-sent events (HTML standard, 9.2.6). Lines may end with
// LF, CR, CRLF, or any mixture of them.
type sse struct {
	line    []byte // the line that the last piece ended in
	longer  bool   // there was more of that line than is kept
	lineful bool   // a line has begun
	data    []byte // the data of the event, if it came in pieces or in several lines
	name    []byte
	fields  bool // the event has a field
	hasData bool
	cut     bool
	cr      bool // the last piece ended with CR: an LF that follows belongs to it
	used    bool // data and name belong to an event that was given out
}

const maxKept = 4 << 10 // of memory between two events

func (s *sse) reused() sse { return sse{line: s.line[:0], data: s.data[:0], name: s.name[:0]} }

// open reports whether an event, or a line, has begun and not ended.
func (s *sse) open() bool { return s.fields || s.lineful }

func (s *sse) next(b []byte) (e Event, n int, ok bool) {
	if s.used {
		s.clear()
	}
	var data []byte // the event's data while it lies in b
	i := 0
	if s.cr {
		s.cr = false
		if b[0] == '\n' {
			i = 1
		}
	}
	for i < len(b) {
		end := lineEnd(b[i:])
		if end < 0 {
			s.keepLine(b[i:])
			break
		}
		line := b[i : i+end]
		copied := s.lineful
		if copied {
			s.keepLine(line)
			line = s.line
		}
		i += end + 1
		if b[i-1] == '\r' {
			if i == len(b) {
				s.cr = true
			} else if b[i] == '\n' {
				i++
			}
		}
		cut := s.longer
		s.line, s.longer, s.lineful = s.line[:0], false, false
		switch {
		case len(line) == 0 && s.fields:
			if data != nil {
				s.hasData = true
			} else {
				data = s.data
			}
			s.used = true
			return s.event(data), i, true
		case len(line) == 0, line[0] == ':' && !s.fields:
			return Event{Kind: KeepAlive}, i, true
		case line[0] == ':':
			continue
		}
		s.fields = true
		name, value := field(line)
		switch string(name) {
		case "event":
			s.name = append(s.name[:0], value...)
		case "data":
			switch {
			case !s.hasData && data == nil && !copied && len(value) <= MaxEvent && len(value) > 0:
				data = value
			default:
				if data != nil {
					s.addData(data, false)
					data = nil
				}
				s.addData(value, cut)
			}
		}
	}
	if data != nil {
		s.addData(data, false)
	}
	return Event{}, len(b), false
}

// event returns the one whose blank line has come.
func (s *sse) event(data []byte) Event {
	if isPadding(data) {
		return Event{Kind: kindOfName(s.name)}
	}
	return Event{Name: s.name, Data: data, Cut: s.cut}
}

// kindOfName returns the kind of an event that has no data.
func kindOfName(name []byte) Kind {
	switch string(name) {
	case "error":
		return Error
	case "ping", "keepalive", "heartbeat":
		return KeepAlive
	}
	return Preamble
}

// isPadding says of data that it is empty, or a comment written as data.
func isPadding(data []byte) bool {
	data = bytes.TrimLeft(data, " \t")
	return len(data) == 0 || data[0] == ':'
}

func (s *sse) end() (Event, bool) {
	if s.used {
		s.clear()
	}
	if s.lineful {
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

// clear forgets the event that was given out.
func (s *sse) clear() {
	s.used, s.fields, s.hasData, s.cut = false, false, false, false
	s.data, s.name = emptied(s.data), emptied(s.name)
	s.line = emptied(s.line)
}

// emptied keeps a small buffer to be used again, and lets a large one go.
func emptied(b []byte) []byte {
	if cap(b) > maxKept {
		return nil
	}
	return b[:0]
}

func (s *sse) keepLine(b []byte) {
	s.lineful = true
	if room := MaxEvent + 16 - len(s.line); len(b) > room {
		b, s.longer = b[:max(room, 0)], true
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

// field splits a line into name and value. A line that is JSON, not a field, is
// taken as data: some gateways write errors so.
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

// lineEnd returns the place of the first LF or CR. It searches in steps, so that a
// stream that has only one of them is not searched to its end for the other at
// each line.
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
