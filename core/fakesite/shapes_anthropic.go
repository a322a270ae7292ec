package fakesite

import "fmt"

// messageBody returns a message with the given content, stop reason and tokens.
func (d draft) messageBody(content, stop string, output int) string {
	return fmt.Sprintf(`{"id":"msg_%d","type":"message","role":"assistant","model":%s,"content":[%s],`+
		`"stop_reason":%s,"stop_sequence":null,"usage":{"input_tokens":%d,"cache_creation_input_tokens":0,`+
		`"cache_read_input_tokens":0,"output_tokens":%d}}`, d.serial, d.model, content, stop, d.prompt, output)
}

// message returns a finished message.
func (d draft) message() string {
	return d.messageBody(`{"type":"text","text":`+d.text+`}`, `"end_turn"`, len(d.tokens))
}

// messageEvents returns a message's stream.
func (d draft) messageEvents() []string {
	events := make([]string, 0, len(d.tokens)+6)
	add := func(kind, fields string) {
		events = append(events, named(kind, `{"type":"`+kind+`"`+fields+`}`))
	}
	add("message_start", `,"message":`+d.messageBody("", "null", 1))
	add("content_block_start", `,"index":0,"content_block":{"type":"text","text":""}`)
	add("ping", "")
	for _, t := range d.tokens {
		add("content_block_delta", `,"index":0,"delta":{"type":"text_delta","text":`+t+`}`)
	}
	add("content_block_stop", `,"index":0`)
	add("message_delta", fmt.Sprintf(`,"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":%d}`, len(d.tokens)))
	add("message_stop", "")
	return events
}

// anthropicModels returns the page of the list with the entries of these models.
func anthropicModels(models []string, entries string) string {
	first, last := "null", "null"
	if len(models) > 0 {
		first, last = quote(models[0]), quote(models[len(models)-1])
	}
	return `{"data":[` + entries + `],"has_more":false,"first_id":` + first + `,"last_id":` + last + `}`
}
