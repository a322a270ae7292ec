package bind

import (
	"bytes"
	"strconv"
)

// framing follows the requests on a connection of HTTP/1.1 by the bytes that are
// read, without keeping them. It is there for one question that net/http does not
// answer, as it drops the header: whether a request in chunks named a length too.
// Programs that go by the one or by the other disagree about where such a request
// ends, so a second one can be hidden in it.
type framing struct {
	at     part
	line   []byte // of a line that did not arrive in one piece; at most maxLine bytes of it
	long   bool   // the line is longer than that
	left   uint64 // bytes of the body or chunk that are still to come
	length bool   // the head has a Content-Length
	chunks bool   // the head has a Transfer-Encoding
	old    bool   // the request is one of HTTP/1.0, where a Transfer-Encoding means nothing

	// unclear says that a request had both, or hides its length in a long line.
	unclear bool
}

// part is what comes next.
type part uint8

const (
	requestLine part = iota
	headerLine
	bodyBytes
	chunkLine
	chunkBytes
	trailerLine
	lost // behind something malformed, at which net/http ends the connection
)

// maxLine is more than the lines have that matter: those with a length.
const maxLine = 64

// follow takes what was read.
func (f *framing) follow(p []byte) {
	for len(p) > 0 && f.at != lost && !f.unclear {
		if f.at == bodyBytes || f.at == chunkBytes {
			n := min(f.left, uint64(len(p)))
			p = p[n:]
			if f.left -= n; f.left > 0 {
				return
			}
			if f.at == bodyBytes {
				f.at = requestLine
			} else {
				f.at = chunkLine
			}
			continue
		}
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			f.keep(p)
			return
		}
		line := p[:end]
		if len(f.line) > 0 {
			f.keep(line)
			line = f.line
		}
		f.take(bytes.TrimSuffix(line, []byte("\r")))
		f.line, f.long = f.line[:0], false
		p = p[end+1:]
	}
}

// keep adds to a line whose end has not arrived: of a request line the end, which
// has the protocol, of others the beginning, which has the name.
func (f *framing) keep(p []byte) {
	f.long = f.long || len(f.line)+len(p) > maxLine
	if f.at != requestLine {
		f.line = append(f.line, p[:min(len(p), maxLine-len(f.line))]...)
		return
	}
	f.line = append(f.line, p[max(0, len(p)-maxLine):]...)
	f.line = append(f.line[:0], f.line[max(0, len(f.line)-maxLine):]...)
}

// take looks at a whole line.
func (f *framing) take(line []byte) {
	switch f.at {
	case requestLine:
		f.old = bytes.HasSuffix(line, []byte("HTTP/1.0"))
		f.at = headerLine
	case headerLine:
		if len(line) == 0 {
			f.endHead()
			return
		}
		f.header(line)
	case chunkLine:
		f.chunk(line)
	case trailerLine:
		if len(line) == 0 {
			f.at = requestLine
		}
	}
}

// header notes the two headers that say where a request ends.
func (f *framing) header(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch {
	case len(name) == len("Content-Length") && bytes.EqualFold(name, []byte("Content-Length")):
		n, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 63)
		f.length, f.left, f.unclear = true, n, f.long
		if err != nil {
			f.at = lost
		}
	case len(name) == len("Transfer-Encoding") && bytes.EqualFold(name, []byte("Transfer-Encoding")):
		f.chunks = true
	}
}

// endHead decides what follows the head.
func (f *framing) endHead() {
	chunks := f.chunks && !f.old
	switch {
	case chunks && f.length:
		f.unclear = true
	case chunks:
		f.at = chunkLine
	case f.left > 0:
		f.at = bodyBytes
	default:
		f.at = requestLine
	}
	f.length, f.chunks = false, false
}

// chunk reads the size of a chunk. Its data are followed by a line end.
func (f *framing) chunk(line []byte) {
	size, _, _ := bytes.Cut(line, []byte(";"))
	n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 62)
	switch {
	case err != nil:
		f.at = lost
	case n == 0:
		f.at = trailerLine
	default:
		f.at, f.left = chunkBytes, n+2
	}
}
