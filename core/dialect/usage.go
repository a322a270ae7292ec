package dialect

import (
	"bytes"
	"net/http"
)

// Tokens are the tokens of a request according to the site. Input is the whole prompt,
// including tokens read from a cache or written to one; Output is everything that was
// generated, including reasoning.
type Tokens struct {
	Input, Output         uint64
	CacheRead, CacheWrite uint64 // part of the input
	Reasoning             uint64 // part of the output
}

// Usage finds the token counts in an answer as its bytes pass, in pieces of any size. It
// searches for the object "usage" of OpenAI and Anthropic and "usageMetadata" of Gemini,
// and reads every object of Ollama. Text inside an answer is not found, since quotes are
// escaped there. Streams repeat the counts, and the first ones may be estimates, so the last
// ones are used. It reads each byte once and allocates nothing, except for compressed answers.
type Usage struct {
	last counts // of the objects so far

	whole   bool   // every object is read
	coding  string // of the answer
	coded   []byte // the answer so far, if it is compressed
	skipped bool   // the answer is not read: it is too long, or has an unknown encoding

	state   usageState
	matched int // bytes of usageName or nameEnds
	object  objectReader
}

// usageState is what is expected next.
type usageState uint8

const (
	inText   usageState = iota // anything
	inName                     // the rest of the name after `"usage`
	atColon                    // the colon after the name
	atObject                   // the brace after the colon
	inObject                   // a byte of the object
)

// Limits of what is read of an answer.
const (
	maxUsage      = 8 << 10   // bytes of the object: a longer one is ignored
	maxCoded      = 256 << 10 // bytes of a compressed answer
	maxCodedPlain = 16 << 20  // the same, decoded
)

var (
	usageName = []byte(`"usage`)
	nameEnds  = `Metadata"`
)

// Begin prepares for an answer of format f with header h.
func (u *Usage) Begin(f Format, h http.Header) {
	*u = Usage{whole: f == OllamaChat, coding: Coding(h), coded: u.coded[:0]}
	u.skipped = !CanDecode(u.coding)
	u.search()
}

// Pass reads the next piece of the answer, and keeps no reference to it.
func (u *Usage) Pass(piece []byte) {
	switch {
	case u.skipped:
	case u.coding == "":
		u.scan(piece)
	case len(u.coded)+len(piece) > maxCoded:
		u.skipped, u.coded = true, nil
	default:
		u.coded = append(u.coded, piece...)
	}
}

// Deferred reports whether Tokens has to decode the answer, for which the caller of the
// proxy should not wait.
func (u *Usage) Deferred() bool { return len(u.coded) > 0 }

// Tokens returns the tokens of the answer.
func (u *Usage) Tokens() Tokens {
	if len(u.coded) > 0 {
		plain, _ := Decode(u.coding, u.coded, maxCodedPlain) // after an error, the beginning may have them
		u.coded = nil
		u.scan(plain)
	}
	return u.last.tokens()
}

// search starts the search for the next object.
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

// findName searches for `"usage`, which may have begun in an earlier piece.
func (u *Usage) findName(b []byte) []byte {
	for u.matched > 0 && len(b) > 0 {
		if b[0] == usageName[u.matched] {
			u.matched++
			b = b[1:]
		} else {
			u.matched = 0 // the name may begin here
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

// matchEnd matches the end of the name, `"` or `Metadata"`.
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

// expect skips white space up to the colon or the brace.
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
		i++ // the text between two objects
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
		u.last.update(&u.object.counts)
		u.search()
	case u.object.size >= maxUsage && !u.whole:
		u.search()
	}
	return b[n:]
}
