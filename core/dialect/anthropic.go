package dialect

import (
	"bytes"
	"strings"

	"github.com/tidwall/gjson"
)

// anthropic is the dialect of Anthropic's API.
type anthropic struct{}

func (anthropic) String() string { return "anthropic" }
func (anthropic) Style() Style   { return StyleXAPIKey }

func (anthropic) Format(path string) Format {
	path = strings.TrimSuffix(path, "/")
	if strings.HasSuffix(path, "/messages") || strings.HasSuffix(path, "/complete") || isBedrockClaude(path) {
		return Messages
	}
	return Plain
}

func isAnthropicPath(path string) bool {
	return hasSegments(path, "/v1/messages") || strings.HasSuffix(path, "/v1/complete") ||
		path == "/messages" || strings.HasPrefix(path, "/messages/") || isBedrockClaude(path)
}

// messages is the format of /v1/messages.
type messages struct{}

func (messages) String() string { return "messages" }

// Classify: the start of the message, or of a block that is still empty, is preamble.
func (messages) Classify(e *Event, started bool) {
	if bytes.HasPrefix(e.Data, []byte(`{"type":"content_block_delta"`)) {
		e.Kind = Content
		return
	}
	switch typeOf(e) {
	case "content_block_delta":
		e.Kind = Content
	case "ping":
		e.Kind = KeepAlive
	case "message_start":
		e.Kind = Preamble
	case "content_block_start":
		e.Kind = Content
		if b := gjson.GetBytes(e.Data, "content_block"); isEmptyBlock(b) {
			e.Kind = Preamble
		}
	case "content_block_stop":
		e.Kind = Preamble
		if started {
			e.Kind = Content
		}
	case "message_delta":
		e.Kind = Content
		if r := gjson.GetBytes(e.Data, "delta.stop_reason"); !isBlank(r) {
			e.Kind = SoftEnd
		}
	case "message_stop":
		e.Kind = HardEnd
	case "error":
		e.Kind, e.Final = Error, true
	case "message":
		e.Kind = Content
		e.Finished = !isBlank(gjson.GetBytes(e.Data, "stop_reason"))
		e.Counted = gjson.GetBytes(e.Data, "usage.output_tokens").Num > 0
		if isBlank(gjson.GetBytes(e.Data, "content")) && !e.Finished && !e.Counted {
			e.Kind = Preamble
		}
	default:
		switch {
		case classifyError(e):
			e.Final = e.Kind == Error
		case gjson.GetBytes(e.Data, "choices").Exists():
			classifyChoices(e) // a gateway that answers in the chat format
		case isEmptyAnswer(parse(e.Data)):
			e.Kind = Preamble
		default:
			e.Kind = Content
		}
	}
}

// isEmptyBlock reports whether a block of text or thinking is still empty.
func isEmptyBlock(b gjson.Result) bool {
	switch b.Get("type").Str {
	case "text":
		return isBlank(b.Get("text")) && isBlank(b.Get("citations"))
	case "thinking":
		return isBlank(b.Get("thinking")) && isBlank(b.Get("signature"))
	}
	return false
}

func (messages) dialect() Dialect             { return Anthropic }
func (messages) errorEvents(p Problem) []byte { return event("error", Anthropic.ErrorBody(p)) }
func (messages) ping() []byte                 { return event("ping", []byte(`{"type": "ping"}`)) }
