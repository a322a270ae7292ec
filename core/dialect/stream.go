package dialect

import (
	"bytes"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// MaxEvent is how many bytes of one event are kept for its classification. A longer one is
// cut.
const MaxEvent = 64 << 10

// Framing is how an answer is split into events.
type Framing uint8

// The framings.
const (
	Document Framing = iota // one JSON value, a page, or a text
	SSE                     // server-sent events
	NDJSON                  // a JSON value in each line
	Array                   // an array whose elements are the events
	Binary                  // bytes of audio or images
)

// String returns the framing's name.
func (f Framing) String() string {
	return [...]string{"document", "sse", "ndjson", "array", "binary"}[f]
}

// Stream splits an answer into events as its bytes arrive. It allocates nothing for an
// event that arrives in one piece.
type Stream struct {
	format       Format
	framing      Framing
	html         bool
	sniffed      bool
	head         []byte // the beginning of the answer, until it decides the framing
	keep         []byte // the current event, if it began in an earlier piece
	sse          sse
	event        Event // the latest one; a field, so that it is not allocated
	json         jsonScan
	inEvent      bool
	documentDone bool // the document was classified; the rest is passed on

	// Started says that there was content, Finished that it is known how the answer ended,
	// Counted that tokens of output were counted, Ended that nothing useful follows.
	Started, Finished, Counted, Ended bool
}

// Begin prepares the stream for an answer of format f with header h. It can be called again
// for another answer.
func (s *Stream) Begin(f Format, h http.Header) {
	*s = Stream{format: f, head: s.head[:0], keep: s.keep[:0], sse: s.sse.reused()}
	s.framing, s.html = framingOf(f, first(h, "Content-Type"))
}

// Framing returns the framing of the answer, which is certain after the first event.
func (s *Stream) Framing() Framing { return s.framing }

// Empty reports whether an answer that has ended is empty: without content, finish reason
// or tokens.
func (s *Stream) Empty() bool { return !s.Started && !s.Finished && !s.Counted }

// LacksEnd is called when the body has ended, before [Stream.End]. It reports whether the answer
// is incomplete: its JSON is not closed, or it is a stream of a format that says how it ends,
// and did not say so. A finish reason is enough, as many sites send no [DONE].
func (s *Stream) LacksEnd() bool {
	switch {
	case s.framing == Document:
		return s.inEvent && len(s.keep) > 0 && (s.keep[0] == '{' || s.keep[0] == '[')
	case s.framing == Binary || !IsObjectFormat(s.format):
		return false
	}
	_, _ = s.End() // the last event may have no end of its own
	return !s.Finished && !s.Ended
}

// Between reports whether the stream is between two events, so that the proxy can insert an
// event.
func (s *Stream) Between() bool {
	return !s.inEvent && len(s.head) == 0
}

// Next returns the next event that ends in b, and n, the number of bytes of b up to its
// end. It is then called again with b[n:]. If no event ends in b, ok is false and all of b
// was read.
func (s *Stream) Next(b []byte) (e Event, n int, ok bool) {
	if !s.sniffed {
		if n := blanks(b, true); n > 0 && len(s.head) == 0 && s.framing != Binary {
			return s.classified(Event{Kind: KeepAlive}, n)
		}
		if !s.sniff(b) {
			return Event{}, len(b), false
		}
	}
	if len(b) == 0 {
		return Event{}, 0, false
	}
	switch s.framing {
	case SSE:
		e, n, ok = s.sse.next(b)
		s.inEvent = !ok && s.sse.open()
	case NDJSON:
		e, n, ok = s.nextLine(b)
	case Array:
		e, n, ok = s.nextElement(b)
	case Binary:
		return s.classified(Event{Kind: Content}, len(b))
	default:
		e, n, ok = s.nextDocument(b)
	}
	if !ok {
		return Event{}, len(b), false
	}
	return s.classified(e, n)
}

// End is called when the body has ended. It returns the event that has begun and has no
// end, if there is one.
func (s *Stream) End() (e Event, ok bool) {
	switch {
	case len(s.head) > 0 && !s.sniffed:
		s.sniffed = true
		e = Event{Data: s.head, Whole: true}
	case s.framing == SSE:
		if e, ok = s.sse.end(); !ok {
			return e, false
		}
	case !s.inEvent || len(s.keep) == 0:
		return Event{}, false
	default:
		e.Data, e.Cut = s.take(nil)
		e.Whole = s.framing == Document
	}
	s.inEvent = false
	e, _, ok = s.classified(e, 0)
	return e, ok
}

// classified returns an event with its kind, and updates the state of the stream.
func (s *Stream) classified(found Event, n int) (Event, int, bool) {
	s.event = found
	e := &s.event
	switch {
	case e.Whole && s.html:
		e.Kind = Page
	case len(e.Data) > 0 || len(e.Name) > 0:
		s.classify(e)
	}
	e.Final = e.Final || e.Kind == HardEnd || e.Whole && !e.Cut
	s.Started = s.Started || e.Kind == Content || e.Kind == SoftEnd
	s.Finished = s.Finished || e.Finished || e.Kind == SoftEnd
	s.Counted = s.Counted || e.Counted
	s.Ended = s.Ended || e.Final
	return *e, n, true
}

func (s *Stream) classify(e *Event) {
	if s.framing != Document && isDone(e.Data) {
		e.Kind = HardEnd
		return
	}
	s.format.Classify(e, s.Started)
	switch {
	case e.Cut && e.Kind == Preamble && typeOf(e) == "":
		e.Kind = Content // the rest of it may not be empty
	case e.Whole && (e.Kind == SoftEnd || e.Kind == HardEnd):
		e.Kind = Content
	}
}

// framingOf returns the framing according to the format and the content type.
func framingOf(f Format, contentType string) (framing Framing, html bool) {
	media := contentType
	if strings.IndexByte(contentType, ';') >= 0 {
		media, _, _ = mime.ParseMediaType(contentType)
		if media == "" {
			media, _, _ = strings.Cut(contentType, ";")
		}
	}
	media = strings.ToLower(strings.TrimSpace(media))
	switch {
	case media == "text/event-stream":
		return SSE, false
	case strings.HasSuffix(media, "ndjson"), strings.HasSuffix(media, "jsonl"), strings.HasSuffix(media, "json-lines"), media == "application/stream+json":
		return NDJSON, false
	case media == "text/html", media == "application/xhtml+xml":
		return Document, true
	case media == "" || strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "json") || strings.HasSuffix(media, "xml"):
		if f == OllamaChat {
			return NDJSON, false
		}
		return Document, false
	}
	return Binary, false
}

// sniff determines the framing by the beginning of an answer, which is more reliable than
// its content type. It returns false if it needs more bytes.
func (s *Stream) sniff(b []byte) bool {
	word := b
	if len(s.head) > 0 {
		word = slices.Concat(s.head, b[:min(len(b), maxFirstWord)])
	}
	if len(word) == 0 {
		return false
	}
	c := word[0]
	switch {
	case c == '{':
		if s.html = false; s.framing != NDJSON {
			s.framing = Document
		}
	case c == '[' && s.framing != Binary:
		s.framing, s.html = Document, false
		if s.format == GenerateContent {
			s.framing = Array
		}
	case c == '<':
		html, known := isHTML(word)
		if !known {
			return s.more(b)
		}
		if html || s.framing == SSE {
			s.framing = Document
		}
		s.html = html || s.html && s.framing == Document
	case s.framing == Document:
		sse, known := beginsEvent(word)
		if !known {
			return s.more(b)
		}
		if sse {
			s.framing, s.html = SSE, false
		}
	}
	s.sniffed = true
	if head := s.head; len(head) > 0 {
		s.head = s.head[:0]
		s.replay(head)
	}
	return true
}

// maxFirstWord is how many bytes are needed at most to determine the framing.
const maxFirstWord = len("<!doctype")

func (s *Stream) more(b []byte) bool {
	s.head = append(s.head, b...)
	return false
}

// replay passes the first bytes to the reader for their framing. They are too few for an
// event, except of binary data.
func (s *Stream) replay(head []byte) {
	switch s.framing {
	case SSE:
		_, _, _ = s.sse.next(head)
		s.inEvent = true
	case Binary:
		s.Started = true
	default:
		s.keep, s.inEvent = append(s.keep[:0], head...), true
		if s.framing == Document {
			_ = s.json.end(head)
		}
	}
}

// isHTML reports whether a text is an HTML page, and whether that is certain.
func isHTML(word []byte) (html, known bool) {
	for _, mark := range []string{"<!doctype", "<html"} {
		n := min(len(word), len(mark))
		if strings.EqualFold(string(word[:n]), mark[:n]) {
			return n == len(mark), n == len(mark)
		}
	}
	return false, true
}

// beginsEvent reports whether a text is a stream of server-sent events, regardless of its
// content type, and whether that is certain.
func beginsEvent(word []byte) (sse, known bool) {
	for _, mark := range []string{"data:", "event:", ": ", "id:", "retry:"} {
		n := min(len(word), len(mark))
		if string(word[:n]) == mark[:n] {
			return n == len(mark), n == len(mark)
		}
	}
	return false, true
}

// blanks returns the length of the white space at the beginning of b, including a byte
// order mark if mark is set.
func blanks(b []byte, mark bool) int {
	for i, c := range b {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case 0xEF, 0xBB, 0xBF:
			if mark {
				continue
			}
		}
		return i
	}
	return len(b)
}

func isDone(data []byte) bool {
	return len(data) < 16 && bytes.Equal(bytes.TrimSpace(data), doneMark)
}

var doneMark = []byte("[DONE]")
