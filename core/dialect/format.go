package dialect

// Format is how one kind of answer is written: what its events mean, and how
// an event of our own looks in it.
type Format interface {
	// String names the format in tests and logs.
	String() string
	// Classify says what an event means, in e.Kind and the fields after it.
	// started says that content came before. What is not known is content.
	Classify(e *Event, started bool)

	// dialect is the one whose errors the format's clients understand.
	dialect() Dialect
	// errorEvents are a problem as server-sent events.
	errorEvents(Problem) []byte
	// ping is a server-sent event that clients count as a sign of life, nil if
	// there is none.
	ping() []byte
}

// The formats.
var (
	Chat            Format = chat{}
	Responses       Format = responses{}
	Completions     Format = completions{}
	Messages        Format = messages{}
	GenerateContent Format = generateContent{}
	OllamaChat      Format = ollamaChat{}
	Media           Format = media{} // audio and images
	Plain           Format = plain{} // anything else
)

// AnswersObject reports whether an answer of the format, or each of its events, is a
// JSON object: a text in its place is an error.
func AnswersObject(f Format) bool {
	switch f {
	case Chat, Responses, Completions, Messages, GenerateContent, OllamaChat:
		return true
	}
	return false
}

// Kind is what an event means to those who wait for the answer.
type Kind uint8

// The kinds of events.
const (
	// KeepAlive says nothing: comments, pings, white space. It may be passed on
	// at any time, even if another site answers in the end.
	KeepAlive Kind = iota
	// Preamble comes before the answer and says nothing of it yet.
	Preamble
	// Content is a part of the answer, or something unknown.
	Content
	// SoftEnd is content with a finish reason: a break after it is no loss, but
	// more may come.
	SoftEnd
	// HardEnd is the last event; whatever comes after it is not needed.
	HardEnd
	// Error is an error in place of, or after, content. Data holds its JSON.
	Error
	// Page is an HTML page in place of the API's answer.
	Page
)

// String returns the kind's name.
func (k Kind) String() string {
	return [...]string{"keep-alive", "preamble", "content", "soft end", "hard end", "error", "page"}[k]
}

// Event is one event of an answer, or the whole of an answer that is not a
// stream. Its bytes are valid until the next call of the stream's methods.
type Event struct {
	Name  []byte // the "event" field of a server-sent event
	Data  []byte // its data, a line of NDJSON, an element of an array, or the document
	Cut   bool   // Data is only the beginning: the event is longer than MaxEvent
	Whole bool   // Data is all of the answer: it is not a stream

	Kind     Kind
	Finished bool   // it says how the answer ended: a break after it is no loss
	Counted  bool   // it counts tokens of output: the answer is not empty
	Final    bool   // nothing of use follows; true of each HardEnd, and of some errors
	Reason   string // the finish reason that makes it an Error: "error", "insufficient_system_resource"
}
