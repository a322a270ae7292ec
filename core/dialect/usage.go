package dialect

import (
	"bytes"
	"net/http"
)

// Tokens are what a site says that an answer cost. Input is all of the prompt,
// with what came from a cache and what went into one; Output is all that was
// generated, with what was thought.
type Tokens struct {
	Input, Output         uint64
	CacheRead, CacheWrite uint64 // of the input
	Reasoning             uint64 // of the output
}

// Usage finds the tokens in an answer as its bytes pass, however they are
// divided. It looks for the object "usage" of OpenAI and Anthropic and
// "usageMetadata" of Gemini, and reads every object of Ollama's. Inside the text
// of an answer the name cannot be found: its quotes would have a backslash
// before them. Streams repeat and raise the numbers, so the highest count. It
// looks at each byte once and allocates nothing, except for compressed answers.
type Usage struct {
	most counts // of all objects so far

	whole  bool   // every object is looked into
	coding string // of the answer
	coded  []byte // the answer so far, if it is compressed
	lost   bool   // it is too long, or compressed in an unknown way

	state   usageState
	matched int // bytes of the name, or of what follows it
	object  objectReader
}

// usageState is what the next byte is expected to be.
type usageState uint8

const (
	inText   usageState = iota // anything
	inName                     // what follows `"usage`
	atColon                    // the colon after the name
	atObject                   // the brace after the colon
	inObject                   // a byte of the object
)

// What of an answer is looked at.
const (
	maxUsage      = 8 << 10   // bytes of the object: a longer one is none
	maxCoded      = 256 << 10 // bytes of a compressed answer
	maxCodedPlain = 16 << 20  // the same, decoded
)

var (
	usageName = []byte(`"usage`)
	nameEnds  = `Metadata"`
)

// Begin prepares for an answer in the format f with the header h.
func (u *Usage) Begin(f Format, h http.Header) {
	*u = Usage{whole: f == OllamaChat, coding: Coding(h), coded: u.coded[:0]}
	u.lost = !CanDecode(u.coding)
	u.search()
}

// Pass takes the next piece of the answer, and keeps nothing of it.
func (u *Usage) Pass(piece []byte) {
	switch {
	case u.lost:
	case u.coding == "":
		u.scan(piece)
	case len(u.coded)+len(piece) > maxCoded:
		u.lost, u.coded = true, nil
	default:
		u.coded = append(u.coded, piece...)
	}
}

// Deferred reports whether Tokens has work to do, for which no caller should wait.
func (u *Usage) Deferred() bool { return len(u.coded) > 0 }

// Tokens returns those of the answer that has passed.
func (u *Usage) Tokens() Tokens {
	if len(u.coded) > 0 {
		plain, _ := Decode(u.coding, u.coded, maxCodedPlain) // a beginning is of use, too
		u.coded = nil
		u.scan(plain)
	}
	return u.most.tokens()
}

// search goes back to looking for the next object.
func (u *Usage) search() {
	u.state, u.matched = inText, 0
	if u.whole {
		u.state = atObject
	}
}

func (u *Usage) scan(b []byte) {
	for len(b) > 0 {
		switch u.state {
		case inText:
			b = u.findName(b)
		case inName:
			b = u.matchEnd(b)
		case atColon, atObject:
			b = u.expect(b)
		case inObject:
			b = u.readObject(b)
		}
	}
}

// findName looks for `"usage`, of which some bytes may have come before.
func (u *Usage) findName(b []byte) []byte {
	for u.matched > 0 && len(b) > 0 {
		if b[0] == usageName[u.matched] {
			u.matched++
			b = b[1:]
		} else {
			u.matched = 0 // b may begin the name again
		}
		if u.matched == len(usageName) {
			u.state, u.matched = inName, 0
			return b
		}
	}
	if i := bytes.Index(b, usageName); i >= 0 {
		u.state, u.matched = inName, 0
		return b[i+len(usageName):]
	}
	for n := min(len(usageName)-1, len(b)); n > 0; n-- {
		if bytes.HasPrefix(usageName, b[len(b)-n:]) {
			u.matched = n
			break
		}
	}
	return nil
}

// matchEnd looks for the end of the name, `"` or `Metadata"`.
func (u *Usage) matchEnd(b []byte) []byte {
	c := b[0]
	switch {
	case c == '"' && (u.matched == 0 || u.matched == len(nameEnds)-1):
		u.state, u.matched = atColon, 0
	case c == nameEnds[u.matched] && c != '"':
		u.matched++
	default:
		u.search()
		return b
	}
	return b[1:]
}

// expect skips white space up to the colon, or the brace.
func (u *Usage) expect(b []byte) []byte {
	i := skipBlank(b, 0)
	switch {
	case i == len(b):
	case u.state == atColon && b[i] == ':':
		u.state = atObject
		i++
	case u.state == atObject && b[i] == '{':
		u.state = inObject
		u.object.begin()
		i++
	case u.whole:
		i++ // what is between two objects
	default:
		u.search()
	}
	return b[i:]
}

func (u *Usage) readObject(b []byte) []byte {
	room := len(b)
	if !u.whole {
		room = min(room, maxUsage-u.object.size)
	}
	n, ended := u.object.read(b[:room])
	switch {
	case ended:
		u.most.raise(&u.object.counts)
		u.search()
	case u.object.size >= maxUsage && !u.whole:
		u.search()
	}
	return b[n:]
}
