package dialect

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// Coding returns the Content-Encoding of a body, "" if it is not compressed.
func Coding(h http.Header) string {
	value := first(h, "Content-Encoding")
	if value == "" {
		return ""
	}
	var codings []string
	for coding := range strings.SplitSeq(strings.ToLower(value), ",") {
		if coding = strings.TrimSpace(coding); coding != "" && coding != "identity" {
			codings = append(codings, coding)
		}
	}
	return strings.Join(codings, ", ")
}

// DecodeError decodes the beginning of an error's body, even if its header is wrong: some
// gateways decode the body but keep the header, or the other way round.
func DecodeError(h http.Header, b []byte, limit int) []byte {
	coding := Coding(h)
	if coding == "" && bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		coding = "gzip"
	}
	if plain, _ := Decode(coding, b, limit); len(plain) > 0 {
		return plain
	}
	return b[:min(len(b), limit)]
}

// CanDecode reports whether bodies with this Content-Encoding can be decoded.
func CanDecode(coding string) bool {
	switch coding {
	case "", "gzip", "x-gzip", "deflate", "br", "zstd":
		return true
	}
	return false
}

var (
	errCoding  = errors.New("unknown content encoding")
	errTooLong = errors.New("too long when decoded")
)

// Decode decodes a body, or its beginning, up to limit bytes. With an error it returns what
// could be decoded; io.ErrUnexpectedEOF says that b is only a beginning.
func Decode(coding string, b []byte, limit int) ([]byte, error) {
	if coding == "" {
		return b, nil
	}
	r, done, err := reader(coding, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	defer done()
	plain, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if len(plain) > limit {
		return plain[:limit], errTooLong
	}
	return plain, err
}

// maxWindow limits the memory that a zstd frame can request.
const maxWindow = 8 << 20

// reader returns a reader that decodes src. done frees its resources.
func reader(coding string, src io.Reader) (r io.Reader, done func(), err error) {
	done = func() {}
	switch coding {
	case "gzip", "x-gzip":
		var z *gzip.Reader
		if z, err = gzip.NewReader(src); err == nil {
			z.Multistream(false) // otherwise it delays data to look for another member
			r = z
		}
	case "deflate":
		r, err = inflater(src)
	case "br":
		r = brotli.NewReader(src)
	case "zstd":
		var z *zstd.Decoder
		z, err = zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err == nil {
			r, done = z, z.Close
		}
	default:
		err = errCoding
	}
	return r, done, err
}

// inflater reads "deflate" with zlib's header, as in the standard, or without, as some
// servers send it.
func inflater(src io.Reader) (io.Reader, error) {
	var head [2]byte
	if _, err := io.ReadFull(src, head[:]); err != nil {
		return nil, err
	}
	src = io.MultiReader(bytes.NewReader(head[:]), src)
	if head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return zlib.NewReader(src)
	}
	return flate.NewReader(src), nil
}

// Decoder decodes an answer as it arrives, to classify it. It must be closed. The zero
// value is not usable.
type Decoder struct {
	in      []byte
	closed  bool
	left    int // bytes that may still be decoded
	pull    func() ([]byte, bool)
	release func()
}

// NewDecoder returns a decoder for a Content-Encoding that decodes at most limit bytes. It
// returns nil for an unknown encoding.
func NewDecoder(coding string, limit int) *Decoder {
	if coding == "" || !CanDecode(coding) {
		return nil
	}
	d := &Decoder{left: limit}
	d.pull, d.release = iter.Pull(d.run(coding))
	return d
}

// Write takes the next piece of the answer and appends to dst what can be decoded now.
// After the limit, the end, or an error that is nothing.
func (d *Decoder) Write(dst, piece []byte) []byte {
	d.in = piece
	for {
		out, ok := d.pull()
		if !ok || out == nil {
			d.in = nil
			return dst
		}
		dst = append(dst, out...)
	}
}

// Close frees the decoder's resources.
func (d *Decoder) Close() {
	d.closed = true
	d.release()
}

// run decodes in a coroutine: it yields decoded data, and nil when it needs more of the
// answer.
func (d *Decoder) run(coding string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		r, done, err := reader(coding, &source{d, yield})
		if err != nil {
			return
		}
		defer done()
		buffer := make([]byte, 4<<10)
		for err == nil && d.left > 0 {
			var n int
			n, err = r.Read(buffer[:min(len(buffer), d.left)])
			d.left -= n
			if n > 0 && !yield(buffer[:n]) {
				return
			}
		}
	}
}

// source is the reader from which the coroutine gets the pieces.
type source struct {
	d     *Decoder
	yield func([]byte) bool
}

func (s *source) Read(p []byte) (int, error) {
	for len(s.d.in) == 0 {
		if s.d.closed || !s.yield(nil) {
			s.d.closed = true
			return 0, io.ErrUnexpectedEOF
		}
	}
	n := copy(p, s.d.in)
	s.d.in = s.d.in[n:]
	return n, nil
}
