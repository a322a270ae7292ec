package proxy

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
)

// usage finds in an answer, as it passes, what the site says it charges: the
// object "usage" of OpenAI and Anthropic, or "usageMetadata" of Gemini. It looks
// for the name's bytes and decodes nothing else. In the text of an answer the
// name cannot stand in quotes of its own: these would have a backslash before
// them. Streams repeat and raise the numbers, so the highest count.
type usage struct {
	input, output uint64

	held   []byte // the beginning of what may be a usage, where the last piece ended
	zipped []byte // the answer so far, if it is compressed
	unread bool   // it is too long, or compressed in a way that is not known
	gzip   bool
}

const (
	maxUsage  = 4 << 10   // a usage that is longer is none
	maxZipped = 256 << 10 // a longer compressed answer is not looked into
)

// begin looks at how the answer is written.
func (u *usage) begin(h http.Header) {
	switch first(h, "Content-Encoding") {
	case "", "identity":
	case "gzip":
		u.gzip = true
	default:
		u.unread = true
	}
}

// pass takes the next piece of the answer, and keeps nothing of it.
func (u *usage) pass(piece []byte) {
	switch {
	case u.unread:
	case u.gzip:
		if len(u.zipped)+len(piece) > maxZipped {
			u.unread, u.zipped = true, nil
			return
		}
		u.zipped = append(u.zipped, piece...)
	default:
		u.scan(piece)
	}
}

// end looks into an answer that is compressed. The caller has it already.
func (u *usage) end() {
	if !u.gzip || u.unread || len(u.zipped) == 0 {
		return
	}
	in, err := gzip.NewReader(bytes.NewReader(u.zipped))
	if err != nil {
		return
	}
	buffer := largeBuffers.Get().(*[]byte)
	defer largeBuffers.Put(buffer)
	for err == nil {
		var n int
		n, err = io.ReadFull(in, *buffer)
		u.scan((*buffer)[:n])
	}
}

var usageName = []byte(`"usage`)

func (u *usage) scan(piece []byte) {
	if len(u.held) > 0 {
		piece, u.held = append(u.held, piece...), nil
	}
	for {
		i := bytes.Index(piece, usageName)
		if i < 0 {
			u.hold(tail(piece))
			return
		}
		piece = piece[i:]
		object, whole := usageObject(piece)
		switch {
		case !whole && len(piece) < maxUsage:
			u.hold(piece)
			return
		case object != nil:
			u.read(object)
		}
		piece = piece[len(usageName):]
	}
}

// hold keeps a copy: the piece is in a buffer that is used again.
func (u *usage) hold(rest []byte) { u.held = append([]byte(nil), rest...) }

// tail is the end of a piece that may be the beginning of the name.
func tail(piece []byte) []byte {
	for n := min(len(usageName)-1, len(piece)); n > 0; n-- {
		if bytes.HasPrefix(usageName, piece[len(piece)-n:]) {
			return piece[len(piece)-n:]
		}
	}
	return nil
}

// usageObject is the object that the name at the beginning of b has as its
// value, nil if that is none; whole is false if b ends too early to say.
func usageObject(b []byte) (object []byte, whole bool) {
	rest := b[len(usageName):]
	for _, end := range []string{`"`, `Metadata"`} {
		after, ok := bytes.CutPrefix(rest, []byte(end))
		if !ok {
			if len(rest) < len(end) && strings.HasPrefix(end, string(rest)) {
				return nil, false
			}
			continue
		}
		after = bytes.TrimLeft(after, " \t\r\n")
		if len(after) == 0 {
			return nil, false
		}
		if after[0] != ':' {
			return nil, true
		}
		after = bytes.TrimLeft(after[1:], " \t\r\n")
		if len(after) == 0 {
			return nil, false
		}
		if after[0] != '{' {
			return nil, true
		}
		n := objectEnd(after)
		return after[:max(n, 0)], n > 0
	}
	return nil, true
}

// objectEnd is the length of the object that b begins with, 0 if it does not
// end there.
func objectEnd(b []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// read adds up the numbers of an object, those at its top alone. Anthropic
// counts what its cache held apart from the input, the others within.
func (u *usage) read(object []byte) {
	var input, output uint64
	depth := 0
	for i := 0; i < len(object); i++ {
		switch object[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := stringEnd(object, i)
			name := object[i+1 : end]
			i = end
			if depth != 1 {
				continue
			}
			value := object[min(end+1, len(object)):]
			switch string(name) {
			case "prompt_tokens", "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "promptTokenCount", "toolUsePromptTokenCount":
				input += number(value)
			case "completion_tokens", "output_tokens", "candidatesTokenCount", "thoughtsTokenCount":
				output += number(value)
			}
		}
	}
	u.input, u.output = max(u.input, input), max(u.output, output)
}

// stringEnd is where the text ends that begins at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(b) - 1
}

// maxTokens is more than any answer has: what is above it is no count.
const maxTokens = 1 << 40

// number reads the whole number that follows a name, 0 if none does.
func number(b []byte) (n uint64) {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) == 0 || b[0] != ':' {
		return 0
	}
	for _, c := range bytes.TrimLeft(b[1:], " \t\r\n") {
		if c < '0' || c > '9' {
			break
		}
		if n = n*10 + uint64(c-'0'); n > maxTokens {
			return 0
		}
	}
	return n
}

// onlyGzip is what of a caller's encodings is passed on: one in which usage can
// be read.
var onlyGzip = []string{"gzip"}

// readable narrows the encodings that a caller takes to gzip, if that is one.
func readable(h http.Header) {
	for _, v := range h["Accept-Encoding"] {
		for part := range strings.SplitSeq(v, ",") {
			name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") && !refused(quality) {
				h["Accept-Encoding"] = onlyGzip
				return
			}
		}
	}
}

// refused says that a quality is 0: "q=0", "q=0.000".
func refused(quality string) bool {
	value, ok := strings.CutPrefix(strings.ReplaceAll(quality, " ", ""), "q=")
	return ok && strings.Trim(value, "0.") == ""
}
