package upstream

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
)

// shortRequest is a request that is sent in one piece.
type shortRequest struct {
	bytes []byte
	names []string // memory to sort headers in
}

// The body is written together with the header in one call, which succeeds even if the
// site does not read.
const smallBody = 6 << 10

var shortRequests = sync.Pool{New: func() any { return &shortRequest{bytes: make([]byte, 0, 4<<10)} }}

// isShort reports whether a request is sent in one piece.
func isShort(r *http.Request) bool {
	return r.Body == nil || r.ContentLength >= 0 && r.ContentLength <= smallBody
}

// short returns a short request as it is sent. It must be freed.
func (p *Pool) short(r *http.Request) (*shortRequest, error) {
	s := shortRequests.Get().(*shortRequest)
	if !p.absolute && isCommon(r) {
		return s, s.write(r)
	}
	b := bytes.NewBuffer(s.bytes)
	err := p.write(b, r)
	s.bytes = b.Bytes()
	return s, err
}

func (s *shortRequest) free() {
	if s == nil {
		return
	}
	s.bytes = s.bytes[:0]
	clear(s.names)
	shortRequests.Put(s)
}

// isCommon reports whether write can write the request.
func isCommon(r *http.Request) bool {
	host := hostOf(r)
	plain, err := httpguts.PunycodeHostPort(host)
	return err == nil && plain == host && (r.Body == nil) == (r.ContentLength == 0) && r.Header["User-Agent"] != nil && !r.Close && len(r.TransferEncoding) == 0 &&
		r.Method != "" && r.Method != http.MethodConnect && r.URL.Opaque == "" && httpguts.ValidHostHeader(host) && strings.IndexByte(host, '%') < 0
}

func hostOf(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

// write writes a common request as [http.Request.Write] does, which takes several times as
// long.
func (s *shortRequest) write(r *http.Request) error {
	target := r.URL.RequestURI()
	if strings.ContainsFunc(target, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return errInvalid
	}
	b := s.bytes
	b = append(append(append(append(b, r.Method...), ' '), target...), " HTTP/1.1\r\n"...)
	b = appendField(b, "Host", hostOf(r))
	if agent := r.Header["User-Agent"][0]; agent != "" {
		b = appendField(b, "User-Agent", agent)
	}
	if r.ContentLength > 0 || r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), r.ContentLength, 10), "\r\n"...)
	}
	b = s.appendFields(b, r.Header)
	b = append(b, "\r\n"...)
	s.bytes = b
	return s.appendBody(r)
}

// appendFields appends the headers in the order of their names.
func (s *shortRequest) appendFields(b []byte, h http.Header) []byte {
	s.names = s.names[:0]
	for name := range h {
		switch name {
		case "Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer":
		default:
			if httpguts.ValidHeaderFieldName(name) {
				s.names = append(s.names, name)
			}
		}
	}
	slices.Sort(s.names)
	for _, name := range s.names {
		for _, value := range h[name] {
			b = appendField(b, name, value)
		}
	}
	return b
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, strings.Trim(value, " \t")...), "\r\n"...)
}

func (s *shortRequest) appendBody(r *http.Request) error {
	if r.Body == nil {
		return nil
	}
	n := int(r.ContentLength)
	s.bytes = slices.Grow(s.bytes, n)
	read, err := io.ReadFull(r.Body, s.bytes[len(s.bytes):len(s.bytes)+n])
	s.bytes = s.bytes[:len(s.bytes)+read]
	return errors.Join(err, r.Body.Close())
}
