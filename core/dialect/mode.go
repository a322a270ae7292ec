package dialect

import (
	"net/http"
	"strings"
)

// Mode is how a request wants to be answered.
type Mode struct {
	Stream     bool // piece by piece
	Background bool // later: the answer only says that it was begun
}

// ModeOf looks at the path of a request and at its body, of which b is the
// beginning.
func ModeOf(r *http.Request, b []byte) Mode {
	d := Of(r)
	a := Mode{Stream: d == Ollama && d.Format(r.URL.Path) == OllamaChat}
	switch geminiVerb(r.URL.Path) {
	case "":
	case "streamGenerateContent", "streamRawPredict", "serverStreamingPredict", "streamingPredict":
		return Mode{Stream: true}
	default:
		return Mode{}
	}
	contentType := first(r.Header, "Content-Type")
	if coding := Coding(r.Header); coding != "" {
		b, _ = Decode(coding, b, maxCodedLook)
	} else if strings.HasPrefix(contentType, "multipart/form-data") {
		a.Stream = formValue(contentType, b, "stream") == "true"
		return a
	}
	eachField(b, func(name []byte, start, end int) bool {
		switch yes := string(b[start:end]) == "true"; {
		case isName(name, "stream"):
			a.Stream = yes
		case isName(name, "background"):
			a.Background = yes
		}
		return true
	})
	return a
}

// StreamFraming returns how a streamed answer to a request will be divided, before
// any site has answered.
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
