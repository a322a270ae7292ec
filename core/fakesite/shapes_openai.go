package fakesite

import (
	"fmt"
	"strconv"
)

// data returns one server-sent event without a name.
func data(json string) string { return "data: " + json + "\n\n" }

// named returns one server-sent event with a name.
func named(event, json string) string { return "event: " + event + "\ndata: " + json + "\n\n" }

// chatUsage returns the usage object of chat completions.
func (d draft) chatUsage() string {
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`,
		d.prompt, len(d.tokens), d.prompt+len(d.tokens))
}

// chat returns a chat completion.
func (d draft) chat() string {
	return fmt.Sprintf(`{"id":"chatcmpl-%d","object":"chat.completion","created":%d,"model":%s,`+
		`"choices":[{"index":0,"message":{"role":"assistant","content":%s,"refusal":null},"logprobs":null,"finish_reason":"stop"}],`+
		`"usage":%s}`, d.serial, d.created, d.model, d.text, d.chatUsage())
}

// chatEvents returns a chat completion's stream. If usage is set, it is in a chunk of
// its own.
func (d draft) chatEvents(usage bool) []string {
	head := fmt.Sprintf(`{"id":"chatcmpl-%d","object":"chat.completion.chunk","created":%d,"model":%s,`,
		d.serial, d.created, d.model)
	chunk := func(delta, finish string) string {
		return data(head + `"choices":[{"index":0,"delta":` + delta + `,"logprobs":null,"finish_reason":` + finish + `}]}`)
	}
	events := make([]string, 0, len(d.tokens)+4)
	events = append(events, chunk(`{"role":"assistant","content":""}`, "null"))
	for _, t := range d.tokens {
		events = append(events, chunk(`{"content":`+t+`}`, "null"))
	}
	events = append(events, chunk("{}", `"stop"`))
	if usage {
		events = append(events, data(head+`"choices":[],"usage":`+d.chatUsage()+`}`))
	}
	return append(events, data("[DONE]"))
}

// responseItem returns the message of a response, with the given state and content.
func (d draft) responseItem(status, content string) string {
	return fmt.Sprintf(`{"id":"msg_%d","type":"message","status":%q,"role":"assistant","content":[%s]}`,
		d.serial, status, content)
}

// responseBody returns a response with the given state, output and usage.
func (d draft) responseBody(status, output, usage string) string {
	return fmt.Sprintf(`{"id":"resp_%d","object":"response","created_at":%d,"status":%q,"error":null,`+
		`"incomplete_details":null,"instructions":null,"metadata":{},"model":%s,"output":[%s],`+
		`"parallel_tool_calls":true,"temperature":1,"tool_choice":"auto","tools":[],"top_p":1,"usage":%s}`,
		d.serial, d.created, status, d.model, output, usage)
}

// outputText returns a part of a response's message.
func outputText(text string) string {
	return `{"type":"output_text","text":` + text + `,"annotations":[]}`
}

// response returns a finished response.
func (d draft) response() string {
	usage := fmt.Sprintf(`{"input_tokens":%d,"input_tokens_details":{"cached_tokens":0},"output_tokens":%d,`+
		`"output_tokens_details":{"reasoning_tokens":0},"total_tokens":%d}`,
		d.prompt, len(d.tokens), d.prompt+len(d.tokens))
	return d.responseBody("completed", d.responseItem("completed", outputText(d.text)), usage)
}

// responseEvents returns a response's stream.
func (d draft) responseEvents() []string {
	events := make([]string, 0, len(d.tokens)+8)
	add := func(kind, fields string) {
		events = append(events, named(kind, `{"type":"`+kind+`","sequence_number":`+strconv.Itoa(len(events))+`,`+fields+`}`))
	}
	part := fmt.Sprintf(`"item_id":"msg_%d","output_index":0,"content_index":0,`, d.serial)
	start := d.responseBody("in_progress", "", "null")
	add("response.created", `"response":`+start)
	add("response.in_progress", `"response":`+start)
	add("response.output_item.added", `"output_index":0,"item":`+d.responseItem("in_progress", ""))
	add("response.content_part.added", part+`"part":`+outputText(`""`))
	for _, t := range d.tokens {
		add("response.output_text.delta", part+`"delta":`+t+`,"logprobs":[]`)
	}
	add("response.output_text.done", part+`"text":`+d.text+`,"logprobs":[]`)
	add("response.content_part.done", part+`"part":`+outputText(d.text))
	add("response.output_item.done", `"output_index":0,"item":`+d.responseItem("completed", outputText(d.text)))
	add("response.completed", `"response":`+d.response())
	return events
}
