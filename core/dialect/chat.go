package dialect

import (
	"bytes"
	"strings"

	"github.com/tidwall/gjson"
)

// chat is the format of /v1/chat/completions: OpenAI, Azure, OpenRouter,
// DeepSeek and most others.
type chat struct{ sharedFormat }

func (chat) String() string { return "chat" }

var finishMark, nullMark = []byte(`finish_reason"`), []byte(`null`)

// Classify: a role, empty deltas and chunks without choices are preamble.
func (chat) Classify(e *Event, started bool) {
	if started && !e.Whole && isPlainChunk(e.Data) && len(e.Name) == 0 {
		e.Kind = Content
		return
	}
	if hasChoices(e) && classifyChoices(e) {
		return // without the search for an error, as most answers are none
	}
	if !classifyError(e) {
		classifyChoices(e)
	}
}

// hasChoices is a quick check that is true for most answers, and for few errors.
func hasChoices(e *Event) bool {
	return firstByte(e.Data) == '{' && string(e.Name) != "error" && bytes.Contains(e.Data, choicesMark)
}

// isPlainChunk is a quick check of a chunk after content has begun: that it is neither an
// error nor an end.
func isPlainChunk(data []byte) bool {
	if i := bytes.Index(data, finishMark); i >= 0 {
		value := bytes.TrimLeft(data[i+len(finishMark):], ": ")
		if !bytes.HasPrefix(value, nullMark) || bytes.Contains(value, finishMark) {
			return false
		}
	}
	return containsNone(data, `"error"`)
}

// classifyChoices classifies the parts that chat and completions have in common. It
// reports whether there are choices: without them, the event may be an error. With
// choices, only unambiguous signs count as an error.
func classifyChoices(e *Event) bool {
	root := parse(e.Data)
	var choices, usage gjson.Result
	var signs errorSigns
	root.ForEach(func(name, v gjson.Result) bool {
		switch name.Str {
		case "choices":
			choices = v
		case "usage":
			usage = v
		default:
			signs.certain(name.Str, v)
		}
		return true
	})
	if !choices.IsArray() {
		e.Kind = Content
		if isEmptyError(root) || choices.Exists() && isBlank(choices) || isEmptyAnswer(root) {
			e.Kind = Preamble
		}
		return false
	}
	if signs.sure && (e.Cut || gjson.ValidBytes(e.Data)) {
		e.Kind, e.Data = Error, []byte(root.Raw)
		return true
	}
	e.Kind = Preamble
	e.Counted = usage.Get("completion_tokens").Num > 0
	none := true
	choices.ForEach(func(_, choice gjson.Result) bool {
		none = false
		classifyChoice(e, choice)
		return e.Kind != Error
	})
	if none && e.Counted {
		e.Kind = Content
	}
	return !none
}

func classifyChoice(e *Event, choice gjson.Result) {
	choice.ForEach(func(name, v gjson.Result) bool {
		switch name.Str {
		case "index", "content_filter_results", "content_filter_offsets", "native_finish_reason", "stop_reason", "matched_stop", "seed":
		case "delta", "message":
			if e.Kind == Preamble && hasDelta(v) {
				e.Kind = Content
			}
		case "error": // where OpenRouter reports errors of its providers
			if v.IsObject() && !isBlank(v) || v.Str != "" {
				e.Kind, e.Data = Error, []byte(choice.Raw)
				return false
			}
		case "finish_reason":
			switch {
			case isBlank(v):
			case isFailureReason(v.Str):
				e.Kind, e.Reason = Error, strings.Clone(v.Str)
				return false
			default:
				e.Kind = SoftEnd
			}
		default:
			if e.Kind == Preamble && !isBlank(v) {
				e.Kind = Content
			}
		}
		return true
	})
}

// hasDelta reports whether a delta contains more than a role.
func hasDelta(delta gjson.Result) bool {
	if !delta.IsObject() {
		return !isBlank(delta)
	}
	found := false
	delta.ForEach(func(name, v gjson.Result) bool {
		found = name.Str != "role" && !isBlank(v)
		return !found
	})
	return found
}

// isEmptyError reports whether a chunk has an empty "error" and no part of an answer.
func isEmptyError(root gjson.Result) bool {
	if !root.Get("error").Exists() {
		return false
	}
	only := true
	root.ForEach(func(name, v gjson.Result) bool {
		switch name.Str {
		case "error", "id", "object", "created", "model", "system_fingerprint", "code", "message", "type":
		default:
			only = isBlank(v)
		}
		return only
	})
	return only
}

// completions is the format of the older /v1/completions.
type completions struct{ sharedFormat }

func (completions) String() string { return "completions" }

// Classify: an empty text is preamble.
func (completions) Classify(e *Event, started bool) { Chat.Classify(e, started) }
