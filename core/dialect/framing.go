package dialect

import "bytes"

// take returns the data of an event of which b is the last piece, up to MaxEvent: b itself
// if it is the only one.
func (s *Stream) take(b []byte) (data []byte, cut bool) {
	if !s.inEvent {
		if len(b) > MaxEvent {
			return b[:MaxEvent], true
		}
		return b, false
	}
	s.hold(b)
	return s.keep[:min(len(s.keep), MaxEvent)], len(s.keep) > MaxEvent
}

// hold stores b as the next piece of an event that has not ended.
func (s *Stream) hold(b []byte) {
	if !s.inEvent {
		s.keep = reuse(s.keep)
	}
	if room := MaxEvent + 1 - len(s.keep); len(b) > room { // one more, to recognize that it was cut
		b = b[:max(room, 0)]
	}
	s.keep, s.inEvent = append(s.keep, b...), true
}

// nextLine returns the next line of NDJSON.
func (s *Stream) nextLine(b []byte) (e Event, n int, ok bool) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		s.hold(b)
		return e, len(b), false
	}
	e.Data, e.Cut = s.take(b[:end])
	s.inEvent = false
	if firstByte(e.Data) == 0 {
		e = Event{Kind: KeepAlive}
	}
	return e, end + 1, true
}

// nextElement returns the next element of an array of JSON objects. A comma belongs to the
// element after it; each bracket is a separate event.
func (s *Stream) nextElement(b []byte) (e Event, n int, ok bool) {
	if s.inEvent {
		end := s.json.end(b)
		if end < 0 {
			s.hold(b)
			return e, len(b), false
		}
		e.Data, e.Cut = s.take(b[:end])
		s.inEvent = false
		return e, end, true
	}
	i := 0
	for i < len(b) && (b[i] == ',' || blanks(b[i:i+1], false) == 1) {
		i++
	}
	switch {
	case i == len(b):
		return Event{Kind: Preamble}, i, true
	case b[i] == '[' && !s.documentDone:
		s.documentDone = true
		return Event{Kind: Preamble}, i + 1, true
	case b[i] == ']':
		return Event{Kind: HardEnd}, i + 1, true
	case b[i] != '{':
		s.framing = Binary // it is not an array
		return Event{Kind: Content}, len(b), true
	}
	s.json = jsonScan{}
	end := s.json.end(b[i:])
	if end < 0 {
		s.hold(b[i:])
		return e, len(b), false
	}
	e.Data, e.Cut = s.take(b[i : i+end])
	return e, i + end, true
}

// nextDocument returns an answer that is not a stream: a JSON value ends with its last
// bracket, a page with the body. Other text is content from its first byte on, unless
// answers of the format are objects.
func (s *Stream) nextDocument(b []byte) (e Event, n int, ok bool) {
	if s.documentDone {
		if blanks(b, false) == len(b) {
			return Event{Kind: KeepAlive}, len(b), true
		}
		return Event{Kind: Content}, len(b), true
	}
	start := b
	if s.inEvent {
		start = s.keep
	}
	isJSON := start[0] == '{' || start[0] == '['
	if !isJSON && !s.html && !IsObjectFormat(s.format) {
		s.documentDone, s.inEvent = true, false
		return Event{Kind: Content}, len(b), true
	}
	end := -1
	if isJSON {
		end = s.json.end(b)
	}
	if end < 0 {
		if s.hold(b); len(s.keep) <= MaxEvent {
			return e, len(b), false
		}
		end = len(b)
		e.Data, e.Cut = s.keep[:MaxEvent], true
	} else {
		e.Data, e.Cut = s.take(b[:end])
	}
	e.Whole, s.documentDone, s.inEvent = true, true, false
	return e, end, true
}
