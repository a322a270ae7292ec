package clients

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/aitunnel/aitunnel/core/fakesite"
)

// What a model signs must be returned to it unchanged, or it refuses the conversation.
const (
	thought   = `Let me look. 看看 “quotes” \\ \u2028 <b>&amp;</b> é 🙂` // as encoded in JSON
	signature = "EqoBCkgIARABGAIiQL8+/x2Jc9Kd/0n+Zr5t+Q7v1sYpW3mE6aUoB4fG+ZkH/3c2R+0N9yTlqXw5iVdSgJhPbKeMuA=="
	redacted  = "EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpPkNRj2YfWXGmKDxH4mPnZ5sQ7vB9Ij+N2"
	callID    = "toolu_01A09q90qw90lq917835lq9"
)

// call is a tool, and its arguments as a JSON object.
type call struct{ name, arguments string }

// wire records what a site sent, for comparison with what the client got.
type wire struct {
	mu      sync.Mutex
	answers []string
}

func (w *wire) sent() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answers
}

// asks answers with a tool call in the format of the API.
func (w *wire) asks(choose func(x *fakesite.Exchange) call) fakesite.Behavior {
	return func(x *fakesite.Exchange) {
		c := choose(x)
		answer, kind := "", "application/json"
		if x.Stream {
			answer, kind = toolStream(shape(x.R.URL.Path), c), "text/event-stream"
		} else {
			answer = toolAnswer(shape(x.R.URL.Path), c)
		}
		w.mu.Lock()
		w.answers = append(w.answers, answer)
		w.mu.Unlock()
		x.W.Header().Set("Content-Type", kind)
		_, _ = x.W.Write([]byte(answer))
	}
}

func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// reasoningItem and callItem are the output of the Responses API.
func reasoningItem() string {
	return fmt.Sprintf(`{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":%q}`, signature)
}

func callItem(c call, status, arguments string) string {
	return fmt.Sprintf(`{"id":"fc_1","type":"function_call","status":%q,"call_id":%q,"name":%q,"arguments":%s}`, status, callID, c.name, quote(arguments))
}

func responseBody(status, output, usage string) string {
	return fmt.Sprintf(`{"id":"resp_1","object":"response","created_at":1,"status":%q,"error":null,"incomplete_details":null,"instructions":null,"model":"m","output":[%s],"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":%s}`, status, output, usage)
}

const responseUsage = `{"input_tokens":5,"input_tokens_details":{"cached_tokens":0},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":12}`

// geminiParts are a thought, and a call with its signature.
func geminiParts(c call) [2]string {
	return [2]string{
		fmt.Sprintf(`{"text":"%s","thought":true}`, thought),
		fmt.Sprintf(`{"functionCall":{"name":%q,"args":%s},"thoughtSignature":%q}`, c.name, c.arguments, signature),
	}
}

func toolAnswer(api string, c call) string {
	switch api {
	case "messages":
		return fmt.Sprintf(`{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"thinking","thinking":"%s","signature":%q},{"type":"redacted_thinking","data":%q},{"type":"tool_use","id":%q,"name":%q,"input":%s}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":7}}`,
			thought, signature, redacted, callID, c.name, c.arguments)
	case "responses":
		return responseBody("completed", reasoningItem()+","+callItem(c, "completed", c.arguments), responseUsage)
	case "gemini":
		parts := geminiParts(c)
		return fmt.Sprintf(`{"candidates":[{"content":{"role":"model","parts":[%s,%s]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":4,"thoughtsTokenCount":3,"totalTokenCount":12},"modelVersion":"m","responseId":"r"}`, parts[0], parts[1])
	}
	return fmt.Sprintf(`{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"reasoning_content":"%s","tool_calls":[{"id":%q,"type":"function","function":{"name":%q,"arguments":%s}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}`,
		thought, callID, c.name, quote(c.arguments))
}

func toolStream(api string, c call) string {
	var out strings.Builder
	event := func(name, format string, args ...any) {
		if name != "" {
			fmt.Fprintf(&out, "event: %s\n", name)
		}
		fmt.Fprintf(&out, "data: "+format+"\n\n", args...)
	}
	half := len(c.arguments) / 2
	switch api {
	case "messages":
		event("message_start", `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":1}}}`)
		event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`)
		event("ping", `{"type": "ping"}`)
		event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"%s"}}`, thought)
		event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":%q}}`, signature)
		event("content_block_stop", `{"type":"content_block_stop","index":0}`)
		event("content_block_start", `{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":%q}}`, redacted)
		event("content_block_stop", `{"type":"content_block_stop","index":1}`)
		event("content_block_start", `{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":%q,"name":%q,"input":{}}}`, callID, c.name)
		for _, part := range []string{c.arguments[:half], c.arguments[half:]} {
			event("content_block_delta", `{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":%s}}`, quote(part))
		}
		event("content_block_stop", `{"type":"content_block_stop","index":2}`)
		event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":7}}`)
		event("message_stop", `{"type":"message_stop"}`)
	case "responses":
		event("response.created", `{"type":"response.created","sequence_number":0,"response":%s}`, responseBody("in_progress", "", "null"))
		event("response.output_item.added", `{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":%s}`, reasoningItem())
		event("response.output_item.done", `{"type":"response.output_item.done","sequence_number":2,"output_index":0,"item":%s}`, reasoningItem())
		event("response.output_item.added", `{"type":"response.output_item.added","sequence_number":3,"output_index":1,"item":%s}`, callItem(c, "in_progress", ""))
		for i, part := range []string{c.arguments[:half], c.arguments[half:]} {
			event("response.function_call_arguments.delta", `{"type":"response.function_call_arguments.delta","sequence_number":%d,"item_id":"fc_1","output_index":1,"delta":%s}`, 4+i, quote(part))
		}
		event("response.function_call_arguments.done", `{"type":"response.function_call_arguments.done","sequence_number":6,"item_id":"fc_1","output_index":1,"arguments":%s}`, quote(c.arguments))
		event("response.output_item.done", `{"type":"response.output_item.done","sequence_number":7,"output_index":1,"item":%s}`, callItem(c, "completed", c.arguments))
		event("response.completed", `{"type":"response.completed","sequence_number":8,"response":%s}`, responseBody("completed", reasoningItem()+","+callItem(c, "completed", c.arguments), responseUsage))
	case "gemini":
		for i, part := range geminiParts(c) {
			end := []string{"", `"finishReason":"STOP",`}[i]
			event("", `{"candidates":[{"content":{"role":"model","parts":[%s]},%s"index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":4,"thoughtsTokenCount":3,"totalTokenCount":12},"modelVersion":"m","responseId":"r"}`, part, end)
		}
	default:
		chunk := func(delta, reason string) {
			event("", `{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}`, delta, reason)
		}
		chunk(`{"role":"assistant","content":null}`, "null")
		chunk(fmt.Sprintf(`{"reasoning_content":"%s"}`, thought), "null")
		chunk(fmt.Sprintf(`{"tool_calls":[{"index":0,"id":%q,"type":"function","function":{"name":%q,"arguments":""}}]}`, callID, c.name), "null")
		for _, part := range []string{c.arguments[:half], c.arguments[half:]} {
			chunk(fmt.Sprintf(`{"tool_calls":[{"index":0,"function":{"arguments":%s}}]}`, quote(part)), "null")
		}
		chunk(`{}`, `"tool_calls"`)
		out.WriteString("data: [DONE]\n\n")
	}
	return out.String()
}
