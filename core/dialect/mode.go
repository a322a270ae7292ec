package dialect

import (
	"net/http"
	"strings"
)

// Mode is how a request is to be answered.
type Mode struct {
	Stream     bool // with a stream
	Background bool // in the background: the answer only says that it was started
}

// ModeOf returns the mode of a request, by its path and by b, the beginning of its body.
func ModeOf(r *http.Request, b []byte) Mode {
	d := Of(r)
	m := Mode{Stream: d == Ollama && d.Format(r.URL.Path) == OllamaChat}
	switch geminiVerb(r.URL.Path) {
	case "":
	case "streamGenerateContent", "streamRawPredict", "serverStreamingPredict", "streamingPredict":
		return Mode{Stream: true}
	default:
		return Mode{}
	}
	contentType := first(r.Header, "Content-Type")
	if coding := Coding(r.Header); coding != "" {
		b, _ = Decode(coding, b, maxDecodedBody)
	} else if strings.HasPrefix(contentType, "multipart/form-data") {
		m.Stream = formValue(contentType, b, "stream") == "true"
		return m
	}
	eachField(b, func(name []byte, start, end int) bool {
		switch yes := string(b[start:end]) == "true"; {
		case isName(name, "stream"):
			m.Stream = yes
		case isName(name, "background"):
			m.Background = yes
		}
		return true
	})
	return m
}

// StreamFraming returns the framing that a streamed answer to a request will have.
func StreamFraming(r *http.Request) Framing {
	switch f := Of(r).Format(r.URL.Path); {
	case f == OllamaChat:
		return NDJSON
	case f == GenerateContent && !hasParamValue(r.URL.RawQuery, "alt", "sse"):
		return Array
	}
	return SSE
}

func hasParamValue(query, name, value string) bool {
	for part := range queryParts(query) {
		n, v, _ := strings.Cut(part.text, "=")
		if unescape(n) == name && strings.EqualFold(unescape(v), value) {
			return true
		}
	}
	return false
}
