package dialect

import (
	"bytes"

	"github.com/tidwall/gjson"
)

// responses is the format of OpenAI's /v1/responses.
type responses struct{ sharedFormat }

func (responses) String() string { return "responses" }

// Classify: everything before the first item of output is preamble.
func (responses) Classify(e *Event, started bool) {
	if isDelta(e.Data) {
		e.Kind = Content
		return
	}
	kind := typeOf(e)
	switch kind {
	case "response.created", "response.queued", "response.in_progress":
		e.Kind = Preamble
		if r := gjson.GetBytes(e.Data, "response"); !isBlank(r.Get("error")) || r.Get("status").Str == "failed" {
			e.Kind, e.Final = Error, true
		}
		return
	case "keepalive", "heartbeat", "ping", "response.keepalive", "response.heartbeat":
		// It must not be passed on before the preamble: SDKs fail if anything comes before
		// response.created.
		e.Kind = Preamble
		if started {
			e.Kind = KeepAlive
		}
		return
	case "response.completed", "response.done", "response.incomplete":
		classifyResponse(e, gjson.GetBytes(e.Data, "response"), started)
		return
	case "error", "response.failed":
		e.Kind, e.Final = Error, true
		return
	}
	switch {
	case classifyError(e):
		e.Final = e.Kind == Error
	case e.Whole:
		switch root := parse(e.Data); {
		case root.Get("object").Str == "response":
			classifyResponse(e, root, started)
		case isEmptyAnswer(root):
			e.Kind = Preamble
		}
	case kind == "" && gjson.GetBytes(e.Data, "choices").Exists():
		classifyChoices(e) // a gateway that answers in the chat format
	case kind == "" && isEmptyAnswer(parse(e.Data)):
		e.Kind = Preamble
	default:
		e.Kind = Content
	}
}

// isDelta is a quick check, since most events add a piece of text.
func isDelta(data []byte) bool {
	rest, ok := bytes.CutPrefix(data, []byte(`{"type":"response.`))
	if !ok {
		return false
	}
	end := bytes.IndexByte(rest, '"')
	return end > 0 && bytes.HasSuffix(rest[:end], []byte(".delta"))
}

// classifyResponse classifies a response that has ended, which may be empty.
func classifyResponse(e *Event, r gjson.Result, started bool) {
	output := r.Get("output")
	status := r.Get("status").Str
	e.Finished = !isBlank(output)
	e.Counted = r.Get("usage.output_tokens").Num > 0
	empty := !e.Finished && !e.Counted
	switch {
	case status == "failed", status == "incomplete" && empty && !started:
		e.Kind, e.Final = Error, true
	case e.Whole && empty && status == "completed":
		e.Kind = Preamble
	default:
		e.Kind = HardEnd
		e.Finished = e.Finished || started
	}
}

// typeOf returns the type in an event's data, or else in its event field.
func typeOf(e *Event) string {
	if t := gjson.GetBytes(e.Data, "type"); t.Type == gjson.String && t.Str != "" {
		return t.Str
	}
	return string(e.Name)
}

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
