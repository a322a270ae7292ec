package dialect

import "bytes"

// take adds b to the event that has begun, up to MaxEvent, and returns all of
// it: b itself if nothing came before.
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

// hold keeps b as the beginning of an event, or as more of it.
func (s *Stream) hold(b []byte) {
	if !s.inEvent {
		s.keep = emptied(s.keep)
	}
	if room := MaxEvent + 1 - len(s.keep); len(b) > room { // one more tells that it was cut
		b = b[:max(room, 0)]
	}
	s.keep, s.inEvent = append(s.keep, b...), true
}

// nextLine divides NDJSON.
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

// nextElement divides an array of JSON objects. A comma belongs to the element
// after it, the brackets are events of their own.
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
	case b[i] == '[' && !s.passed:
		s.passed = true
		return Event{Kind: Preamble}, i + 1, true
	case b[i] == ']':
		return Event{Kind: HardEnd}, i + 1, true
	case b[i] != '{':
		s.framing = Binary // no array any more
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

// nextDocument finds the end of an answer that is not a stream: of a JSON value
// where its last bracket is, of a page at the end of the body. A text that is
// neither is content from its first byte, unless the API's answers are objects.
func (s *Stream) nextDocument(b []byte) (e Event, n int, ok bool) {
	if s.passed {
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
	if !isJSON && !s.html && !AnswersObject(s.format) {
		s.passed, s.inEvent = true, false
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
	e.Whole, s.passed, s.inEvent = true, true, false
	return e, end, true
}
