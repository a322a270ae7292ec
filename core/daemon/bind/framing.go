package bind

import (
	"bytes"
	"strconv"
)

// framing follows the requests on an HTTP/1.1 connection by the bytes that are read,
// without storing them. It answers one question that net/http does not, because it
// drops the header: whether a chunked request also has a Content-Length. Programs that
// use one or the other disagree about where such a request ends, so a second request
// can be hidden in it (request smuggling).
type framing struct {
	at     part
	line   []byte // part of a line that did not arrive in one piece; at most maxLine bytes
	long   bool   // the line is longer than maxLine
	left   uint64 // bytes of the body or chunk that are still to come
	length bool   // the head has a Content-Length
	chunks bool   // the head has a Transfer-Encoding
	old    bool   // an HTTP/1.0 request, in which a Transfer-Encoding has no meaning

	// unclear says that a request had both, or that a long line hides its length.
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
	lost // after malformed input, at which net/http closes the connection
)

// maxLine is longer than any line that matters: those with a length.
const maxLine = 64

// follow processes bytes that were read.
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

// keep adds to a line that is not complete. Of a request line it keeps the end, which
// has the protocol; of other lines the beginning, which has the name.
func (f *framing) keep(p []byte) {
	f.long = f.long || len(f.line)+len(p) > maxLine
	if f.at != requestLine {
		f.line = append(f.line, p[:min(len(p), maxLine-len(f.line))]...)
		return
	}
	f.line = append(f.line, p[max(0, len(p)-maxLine):]...)
	f.line = append(f.line[:0], f.line[max(0, len(f.line)-maxLine):]...)
}

// take processes a complete line.
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

// header records the two headers that determine where a request ends.
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

// endHead determines what follows the head.
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

// chunk reads the size of a chunk. A line break follows its data.
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
