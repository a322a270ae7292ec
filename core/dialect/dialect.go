package dialect

import (
	"net/http"
	"strings"
)

// Dialect is the API that a request speaks. The four values are [OpenAI],
// [Anthropic], [Gemini] and [Ollama]; they can be compared.
type Dialect interface {
	// String is the name for configurations, logs and rules.
	String() string
	// Style is how the API takes a key if the channel does not say otherwise.
	Style() Style
	// Format is how an answer to a request with this path is written.
	Format(path string) Format
	// ErrorType is the API's own word for a problem.
	ErrorType(Problem) string
	// ErrorBody is a problem as the JSON document that the API's clients expect.
	ErrorBody(Problem) []byte
}

// The dialects.
var (
	OpenAI    Dialect = openAI{}
	Anthropic Dialect = anthropic{}
	Gemini    Dialect = gemini{}
	Ollama    Dialect = ollama{}
)

// Named returns the dialect with this name, nil if there is none.
func Named(name string) Dialect {
	for _, d := range []Dialect{OpenAI, Anthropic, Gemini, Ollama} {
		if d.String() == name {
			return d
		}
	}
	return nil
}

// Of returns the dialect of a request. The path decides where it can; after it the
// headers that only one API's clients send.
func Of(r *http.Request) Dialect {
	path := r.URL.Path
	switch {
	case isOpenAIPath(path):
		return OpenAI
	case isAnthropicPath(path):
		return Anthropic
	case isGeminiPath(path):
		return Gemini
	case isOllamaPath(path):
		return Ollama
	case first(r.Header, "Anthropic-Version") != "":
		return Anthropic
	case first(r.Header, "X-Goog-Api-Key") != "":
		return Gemini
	}
	return OpenAI
}

// first is h.Get for a name in its canonical form.
func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// hasSegments reports whether the path has these segments next to each other:
// "/v1/messages" is in "/api/v1/messages/batches", not in "/v1/messagesx".
func hasSegments(path, segments string) bool {
	for {
		i := strings.Index(path, segments)
		if i < 0 {
			return false
		}
		end := i + len(segments)
		if end == len(path) || path[end] == '/' {
			return true
		}
		path = path[i+1:]
	}
}
