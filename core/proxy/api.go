package proxy

import (
	"encoding/json"
	"net/http"
	"strings"
)

// api is the dialect a request speaks. It decides how a key is carried where
// the channel leaves that open, and the shape of the proxy's own errors.
type api int

const (
	openAI api = iota
	anthropic
	gemini
)

func apiOf(r *http.Request) api {
	path := r.URL.Path
	switch {
	case first(r.Header, "Anthropic-Version") != "", strings.Contains(path, "/v1/messages"), strings.HasSuffix(path, "/v1/complete"):
		return anthropic
	case strings.Contains(path, "/openai/"):
		return openAI
	case strings.Contains(path, "/v1beta/"), strings.Contains(path, "/v1alpha/"), geminiModel(path) != "", first(r.Header, "X-Goog-Api-Key") != "":
		return gemini
	}
	return openAI
}

// fault is an answer of the proxy's own.
type fault struct {
	status  int
	code    string // for programs
	message string // for people
}

// kinds are the error types of each API by status.
func (f fault) kind(a api) string {
	switch a {
	case anthropic:
		switch f.status {
		case http.StatusUnauthorized:
			return "authentication_error"
		case http.StatusForbidden:
			return "permission_error"
		case http.StatusNotFound:
			return "not_found_error"
		case http.StatusRequestEntityTooLarge:
			return "request_too_large"
		case http.StatusServiceUnavailable:
			return "overloaded_error"
		}
		if f.status < 500 {
			return "invalid_request_error"
		}
		return "api_error"
	case gemini:
		switch f.status {
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			return "INVALID_ARGUMENT"
		case http.StatusUnauthorized:
			return "UNAUTHENTICATED"
		case http.StatusForbidden:
			return "PERMISSION_DENIED"
		case http.StatusNotFound:
			return "NOT_FOUND"
		case http.StatusRequestTimeout:
			return "DEADLINE_EXCEEDED"
		}
		return "UNAVAILABLE"
	}
	if f.status < 500 {
		return "invalid_request_error"
	}
	return "server_error"
}

// write answers with f in the shape of the API.
func (f fault) write(w http.ResponseWriter, a api, id string) {
	var body any
	switch a {
	case anthropic:
		body = map[string]any{"type": "error", "error": map[string]any{"type": f.kind(a), "message": f.message}, "request_id": id}
	case gemini:
		body = map[string]any{"error": map[string]any{"code": f.status, "message": f.message, "status": f.kind(a)}}
	default:
		body = map[string]any{"error": map[string]any{"message": f.message, "type": f.kind(a), "param": nil, "code": f.code}}
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic("proxy: an error of our own has no JSON: " + err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Request-Id", id)
	w.WriteHeader(f.status)
	_, _ = w.Write(append(b, '\n'))
}
