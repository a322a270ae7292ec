package dialect

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

// Estimate is the expected size of a request and its answer, in tokens.
type Estimate struct {
	Input     int
	MaxOutput int // the request's limit; 0: none
}

const (
	bytesPerToken  = 4    // of text
	tokensPerMedia = 1500 // of an image, a document or an audio clip
	minMedia       = 512  // bytes: a shorter string is not media in base64
)

// EstimateOf estimates a request. b is the beginning of its body.
func EstimateOf(h http.Header, b []byte) Estimate {
	if strings.HasPrefix(first(h, "Content-Type"), "multipart/form-data") {
		return Estimate{Input: tokensPerMedia}
	}
	if coding := Coding(h); coding != "" {
		b, _ = Decode(coding, b, maxDecodedBody)
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

// observe takes MaxOutput from a field that limits the output.
func (e *Estimate) observe(name, value []byte) {
	for _, bound := range []string{"max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"} {
		if isName(name, bound) {
			if n, err := strconv.Atoi(string(value)); err == nil && n > 0 {
				e.MaxOutput = n
			}
		}
	}
}

// estimateInput estimates text by its length, and media by their number.
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

// stringEnd returns the index of the quote that ends the string in which b begins.
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

// isMedia reports whether a string is base64 rather than text.
func isMedia(s []byte) bool {
	if len(s) < minMedia {
		return false
	}
	head := s[:minMedia]
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
