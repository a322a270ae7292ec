package dialect

import (
	"net/http"
	"strings"
)

// Dialect is the API that a request uses. The four values are [OpenAI],
// [Anthropic], [Gemini] and [Ollama]; they can be compared.
type Dialect interface {
	// String returns the name in configurations, logs and rules.
	String() string
	// Style returns where the API expects a key by default.
	Style() Style
	// Format returns the format of answers to requests with this path.
	Format(path string) Format
	// ErrorType returns the API's error type for a problem.
	ErrorType(Problem) string
	// ErrorBody returns a problem as the JSON document that the API's clients expect.
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

// Of returns the dialect of a request, by its path, or else by headers that only clients of
// one API send.
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

// first is h.Get for a canonical name.
func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// hasSegments reports whether the path contains these whole segments: "/v1/messages" is in
// "/api/v1/messages/batches", but not in "/v1/messagesx".
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
