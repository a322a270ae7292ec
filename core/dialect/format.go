package dialect

// Format is the format of one kind of answer: what its events mean, and how the proxy's own
// events are written.
type Format interface {
	// String returns the format's name in tests and logs.
	String() string
	// Classify sets e.Kind and the fields after it. started says that content came before.
	// Unknown events are content.
	Classify(e *Event, started bool)

	// dialect returns the dialect whose errors the format's clients understand.
	dialect() Dialect
	// errorEvents returns a problem as server-sent events.
	errorEvents(Problem) []byte
	// ping returns a server-sent event that clients accept as a keep-alive, nil if there is
	// none.
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

// IsObjectFormat reports whether an answer of the format, or each of its events, is a JSON
// object. Text instead of it is an error.
func IsObjectFormat(f Format) bool {
	switch f {
	case Chat, Responses, Completions, Messages, GenerateContent, OllamaChat:
		return true
	}
	return false
}

// Kind is what an event means for the answer.
type Kind uint8

// The kinds of events.
const (
	// KeepAlive has no meaning: comments, pings, white space. It may be passed on at any
	// time, even if another site then gives the answer.
	KeepAlive Kind = iota
	// Preamble comes before the answer and contains nothing of it.
	Preamble
	// Content is a part of the answer, or something unknown.
	Content
	// SoftEnd is content with a finish reason: nothing is lost if the stream breaks after
	// it, but more may come.
	SoftEnd
	// HardEnd is the last event; anything after it is not needed.
	HardEnd
	// Error is an error instead of content or after it. Data is its JSON.
	Error
	// Page is an HTML page instead of the API's answer.
	Page
)

// String returns the kind's name.
func (k Kind) String() string {
	return [...]string{"keep-alive", "preamble", "content", "soft end", "hard end", "error", "page"}[k]
}

// Event is one event of an answer, or a whole answer that is not a stream. Its bytes are
// valid until the next call of a method of the stream.
type Event struct {
	Name  []byte // the "event" field of a server-sent event
	Data  []byte // the data, the line of NDJSON, the element of an array, or the document
	Cut   bool   // Data is only the beginning: the event is longer than MaxEvent
	Whole bool   // Data is the whole answer, which is not a stream

	Kind     Kind
	Finished bool   // it says how the answer ended: nothing is lost if the stream breaks
	Counted  bool   // it counts tokens of output: the answer is not empty
	Final    bool   // nothing useful follows; true for each HardEnd, and for some errors
	Reason   string // the finish reason because of which it is an Error, such as "error"
}

// sharedFormat is the base of most formats: errors in OpenAI's format, and no ping.
type sharedFormat struct{}

func (sharedFormat) dialect() Dialect             { return OpenAI }
func (sharedFormat) errorEvents(p Problem) []byte { return event("", OpenAI.ErrorBody(p)) }
func (sharedFormat) ping() []byte                 { return nil }
