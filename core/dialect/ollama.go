package dialect

import (
	"strings"

	"github.com/tidwall/gjson"
)

// ollama is the dialect of Ollama's API under /api.
type ollama struct{}

func (ollama) String() string { return "ollama" }
func (ollama) Style() Style   { return StyleBearer }

func (ollama) Format(path string) Format {
	path = strings.TrimSuffix(path, "/")
	if strings.HasSuffix(path, "/api/chat") || strings.HasSuffix(path, "/api/generate") {
		return OllamaChat
	}
	return Plain
}

func isOllamaPath(path string) bool {
	i := strings.LastIndex(path, "/api/")
	if i < 0 {
		return false
	}
	verb, rest, _ := strings.Cut(path[i+len("/api/"):], "/")
	switch verb {
	case "chat", "generate", "embed", "embeddings", "tags", "show", "ps", "version", "pull", "push", "create", "copy", "delete":
		return rest == ""
	case "blobs":
		return true
	}
	return false
}

// ollamaChat is the format of /api/chat and /api/generate: NDJSON.
type ollamaChat struct{ sharedFormat }

func (ollamaChat) String() string { return "ollama" }

// Classify: lines without text, thinking or tool calls are preamble.
func (ollamaChat) Classify(e *Event, started bool) {
	if started && containsNone(e.Data, `"done":true`, `"done": true`, `"error"`) {
		e.Kind = Content
		return
	}
	if classifyError(e) {
		return
	}
	e.Kind = Preamble
	done := false
	parse(e.Data).ForEach(func(name, v gjson.Result) bool {
		switch name.Str {
		case "model", "created_at", "error", "remote_model", "remote_host", "context",
			"total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_duration":
		case "done":
			done = v.Bool()
		case "done_reason":
			e.Finished = e.Finished || !isBlank(v)
		case "eval_count":
			e.Counted = v.Num > 0
		case "message":
			if hasDelta(v) {
				e.Kind = Content
			}
		default: // response, thinking, tool_calls, or unknown
			if !isBlank(v) {
				e.Kind = Content
			}
		}
		return true
	})
	if done {
		e.Finished = e.Finished || e.Kind == Content
		e.Kind = HardEnd
	}
}

func (ollamaChat) dialect() Dialect             { return Ollama }
func (ollamaChat) errorEvents(p Problem) []byte { return event("", Ollama.ErrorBody(p)) }
