package dialect

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// KeepAliveBytes returns what can be sent to a waiting caller between two events without
// changing the answer; nil if nothing can. For most clients any bytes do. With asEvent it
// is an event if the format has one, for clients that comments do not keep waiting.
func KeepAliveBytes(f Format, framing Framing, asEvent bool) []byte {
	switch framing {
	case SSE:
		if ping := f.ping(); ping != nil && (asEvent || f == Messages) {
			return ping
		}
		if f == GenerateContent {
			return []byte("\n\n") // Google's SDKs fail on comments, but not on blank lines
		}
		return []byte(": keep-alive\n\n")
	case Document, Array:
		return []byte("\n")
	}
	return nil
}

// AcceptsKeepAlive reports whether the caller can read a stream with keep-alive bytes.
// Google's SDKs for JavaScript before 1.21 cannot: they expect only "data:", not even
// blank lines.
func AcceptsKeepAlive(h http.Header) bool {
	client := first(h, "X-Goog-Api-Client")
	if strings.Contains(client, "genai-js/") {
		return false
	}
	_, version, ok := strings.Cut(client, "google-genai-sdk/")
	if !ok || !strings.Contains(client, "gl-node/") && !strings.Contains(client, "gl-web/") {
		return true
	}
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	if major != "1" {
		return major != "0"
	}
	n, err := strconv.Atoi(minor)
	return err != nil || n >= 21
}

// NeedsEvents reports whether the caller needs events as keep-alives, which other clients
// may not understand: Codex ends a stream without an event for five minutes, even if there
// are comments.
func NeedsEvents(h http.Header) bool {
	return strings.HasPrefix(first(h, "Originator"), "codex") || strings.HasPrefix(first(h, "User-Agent"), "codex")
}

// ErrorEvent returns a problem as the end of an answer that has begun with status 200; nil
// if the answer cannot contain one. begun says that a part of the answer was sent, not
// only keep-alive bytes.
func ErrorEvent(f Format, framing Framing, begun bool, p Problem) []byte {
	body := f.dialect().ErrorBody(p)
	switch {
	case framing == SSE:
		return f.errorEvents(p)
	case framing == NDJSON:
		return append(body, '\n')
	case framing == Array && begun:
		return slices.Concat([]byte(",\n"), body, []byte("]\n"))
	case framing == Array:
		return slices.Concat([]byte("["), body, []byte("]\n"))
	case framing == Document && !begun:
		return append(body, '\n')
	}
	return nil
}

// event returns a server-sent event.
func event(name string, data []byte) []byte {
	var b []byte
	if name != "" {
		b = append(b, "event: "+name+"\n"...)
	}
	b = append(b, "data: "...)
	b = append(b, data...)
	return append(b, "\n\n"...)
}

// sharedFormat is the base of most formats: errors in OpenAI's format, and no ping.
type sharedFormat struct{}

func (sharedFormat) dialect() Dialect             { return OpenAI }
func (sharedFormat) errorEvents(p Problem) []byte { return event("", OpenAI.ErrorBody(p)) }
func (sharedFormat) ping() []byte                 { return nil }

// errorEvents returns, as the API does, first the event that the SDKs recognize, then the
// one that Codex does. The first has its fields twice: at the top, as documented, and in
// an object, without which the SDKs take it for content.
func (responses) errorEvents(p Problem) []byte {
	type fault struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	type failed struct {
		ID     string `json:"id"`
		Object string `json:"object"`
		Status string `json:"status"`
		Error  fault  `json:"error"`
		Output []any  `json:"output"`
	}
	return append(
		event("error", marshal(struct {
			Type    string  `json:"type"`
			Code    string  `json:"code"`
			Message string  `json:"message"`
			Param   *string `json:"param"`
			Status  int     `json:"status"`
			Error   any     `json:"error"`
		}{"error", p.Code, p.Message, nil, p.Status, openAI{}.object(p)})),
		event("response.failed", marshal(struct {
			Type     string `json:"type"`
			Response failed `json:"response"`
		}{"response.failed", failed{"resp_" + p.RequestID, "response", "failed", fault{p.Code, p.Message}, []any{}}}))...)
}

func (responses) ping() []byte { return event("keepalive", []byte(`{"type":"keepalive"}`)) }

func (messages) dialect() Dialect             { return Anthropic }
func (messages) errorEvents(p Problem) []byte { return event("error", Anthropic.ErrorBody(p)) }
func (messages) ping() []byte                 { return event("ping", []byte(`{"type": "ping"}`)) }

func (generateContent) dialect() Dialect             { return Gemini }
func (generateContent) errorEvents(p Problem) []byte { return event("", Gemini.ErrorBody(p)) }

func (ollamaChat) dialect() Dialect             { return Ollama }
func (ollamaChat) errorEvents(p Problem) []byte { return event("", Ollama.ErrorBody(p)) }
