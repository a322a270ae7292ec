package fakesite

import "fmt"

// candidate returns one piece of generated content. Only the last has a finish.
func (d draft) candidate(text string, output int, last bool) string {
	finish := ""
	if last {
		finish = `,"finishReason":"STOP"`
	}
	return fmt.Sprintf(`{"candidates":[{"content":{"role":"model","parts":[{"text":%s}]}%s,"index":0}],`+
		`"usageMetadata":{"promptTokenCount":%d,"candidatesTokenCount":%d,"totalTokenCount":%d},`+
		`"modelVersion":%s,"responseId":"resp-%d"}`,
		text, finish, d.prompt, output, d.prompt+output, d.model, d.serial)
}

// generate returns the content in one piece.
func (d draft) generate() string { return d.candidate(d.text, len(d.tokens), true) }

// generateEvents returns the content as a stream: server-sent events, or else the
// elements of one JSON array. It ends without a closing event.
func (d draft) generateEvents(sse bool) []string {
	events := make([]string, len(d.tokens))
	for i, t := range d.tokens {
		last := i == len(d.tokens)-1
		piece := d.candidate(t, i+1, last)
		switch {
		case sse:
			piece = data(piece)
		case i == 0:
			piece = "[" + piece
		default:
			piece = ",\n" + piece
		}
		if last && !sse {
			piece += "]"
		}
		events[i] = piece
	}
	return events
}

// countTokens returns the size of the prompt in the format of Anthropic or Gemini.
func (d draft) countTokens(a api) string {
	if a == gemini {
		return fmt.Sprintf(`{"totalTokens":%d}`, d.prompt)
	}
	return fmt.Sprintf(`{"input_tokens":%d}`, d.prompt)
}
