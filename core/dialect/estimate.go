package dialect

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

// Estimate is what a request is expected to need before a site says it.
type Estimate struct {
	Input     int // tokens
	MaxOutput int // tokens, as the request bounds them; 0: it does not
}

const (
	bytesPerToken  = 4    // of text
	tokensPerMedia = 1500 // of an image, a document or a piece of audio
	leastMedia     = 512  // bytes of a string that may be media in base64
)

// EstimateOf estimates a request with b, the beginning of its body.
func EstimateOf(h http.Header, b []byte) Estimate {
	if strings.HasPrefix(first(h, "Content-Type"), "multipart/form-data") {
		return Estimate{Input: tokensPerMedia}
	}
	if coding := Coding(h); coding != "" {
		b, _ = Decode(coding, b, maxCodedLook)
	}
	e := Estimate{Input: estimateInput(b)}
	eachField(b, func(name []byte, start, end int) bool {
		if isName(name, "generationConfig") || isName(name, "generation_config") {
			eachField(b[start:end], func(name []byte, from, to int) bool {
				e.observe(name, b[start:end][from:to])
				return true
			})
		}
		e.observe(name, b[start:end])
		return true
	})
	return e
}

// observe takes a field that may bound the output.
func (e *Estimate) observe(name, value []byte) {
	for _, bound := range []string{"max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"} {
		if isName(name, bound) {
			if n, err := strconv.Atoi(string(value)); err == nil && n > 0 {
				e.MaxOutput = n
			}
		}
	}
}

// estimateInput counts text by its bytes, and media by the piece.
func estimateInput(b []byte) int {
	text, media := 0, 0
	for len(b) > 0 {
		i := bytes.IndexByte(b, '"')
		if i < 0 {
			text += len(b)
			break
		}
		text += i
		b = b[i+1:]
		end := stringEnd(b)
		if isMedia(b[:end]) {
			media++
		} else {
			text += end
		}
		b = b[min(end+1, len(b)):]
	}
	return text/bytesPerToken + media*tokensPerMedia
}

// stringEnd returns where the string ends that b begins inside of.
func stringEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '"')
		if i < 0 {
			return len(b)
		}
		at += i
		slashes := 0
		for at-slashes > 0 && b[at-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return at
		}
		at++
	}
}

// isMedia reports whether a string is something in base64, and no text.
func isMedia(s []byte) bool {
	if len(s) < leastMedia {
		return false
	}
	head := s[:leastMedia]
	if bytes.HasPrefix(head, []byte("data:")) && bytes.Contains(head, []byte(";base64,")) {
		return true
	}
	for _, c := range head {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(`+/-_=\`, rune(c)) {
			return false
		}
	}
	return true
}
