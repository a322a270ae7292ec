package dialect

import (
	"net/http"
	"strings"
	"testing"
)

// eventKinds has events with their kinds, by format.
var eventKinds = []struct {
	format   Format
	name     string // of the case
	event    string // without the blank line
	want     Kind
	finished bool
}{
	// Any stream of server-sent events.
	{Chat, "comment", ": OPENROUTER PROCESSING", KeepAlive, false},
	{Messages, "comment", ":", KeepAlive, false},
	{Chat, "empty data", "data:", Preamble, false},
	{Chat, "blank data", "data:  ", Preamble, false},
	{Chat, "comment as data", "data: : keep-alive", Preamble, false},
	{Chat, "id alone", "id: 7", Preamble, false},
	{Chat, "retry alone", "retry: 3000", Preamble, false},
	{Chat, "event without data", "event: start", Preamble, false},
	{Chat, "unknown object", `data: {"hello":1}`, Content, false},
	{Chat, "not JSON", "data: hello", Content, false},
	{Chat, "broken JSON", `data: {"error":`, Content, false},
	{Plain, "unknown object", `data: {"hello":1}`, Content, false},

	// Chat.
	{Chat, "role", `data: {"choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":null}]}`, Preamble, false},
	{Chat, "role and empty content", `data: {"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}`, Preamble, false},
	{Chat, "role and null content", `data: {"choices":[{"delta":{"role":"assistant","content":null,"reasoning_content":""}}]}`, Preamble, false},
	{Chat, "empty finish reason", `data: {"choices":[{"delta":{"content":""},"finish_reason":""}]}`, Preamble, false},
	{Chat, "empty delta", `data: {"choices":[{"delta":{}}]}`, Preamble, false},
	{Chat, "empty lists", `data: {"choices":[{"delta":{"tool_calls":[],"annotations":[ ]}}]}`, Preamble, false},
	{Chat, "no choices", `data: {"choices":[]}`, Preamble, false},
	{Chat, "Azure's filter results", `data: {"choices":[],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]}`, Preamble, false},
	{Chat, "usage without tokens", `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":0}}`, Preamble, false},
	{Chat, "usage with tokens", `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}`, Content, false},
	{Chat, "empty error object", `data: {"id":"x","error":{}}`, Preamble, false},
	{Chat, "empty error text", `data: {"choices":[{"delta":{"role":"assistant"}}],"error":""}`, Preamble, false},
	{Chat, "error false", `data: {"choices":[{"delta":{"content":"a"}}],"error":false}`, Content, false},
	{Chat, "error null", `data: {"choices":[{"delta":{"content":"a"}}],"error":null}`, Content, false},
	{Chat, "content", `data: {"choices":[{"delta":{"content":"Hi"}}]}`, Content, false},
	{Chat, "content of a blank", `data: {"choices":[{"delta":{"content":" "}}]}`, Content, false},
	{Chat, "refusal", `data: {"choices":[{"delta":{"refusal":"No"}}]}`, Content, false},
	{Chat, "tool calls", `data: {"choices":[{"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":""}}]}}]}`, Content, false},
	{Chat, "function call", `data: {"choices":[{"delta":{"function_call":{"name":"f"}}}]}`, Content, false},
	{Chat, "audio", `data: {"choices":[{"delta":{"audio":{"id":"a"}}}]}`, Content, false},
	{Chat, "reasoning", `data: {"choices":[{"delta":{"reasoning":"hm"}}]}`, Content, false},
	{Chat, "reasoning content", `data: {"choices":[{"delta":{"content":null,"reasoning_content":"hm"}}]}`, Content, false},
	{Chat, "reasoning details", `data: {"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text"}]}}]}`, Content, false},
	{Chat, "second choice", `data: {"choices":[{"index":0,"delta":{"role":"assistant"}},{"index":1,"delta":{"content":"b"}}]}`, Content, false},
	{Chat, "unknown field of a delta", `data: {"choices":[{"delta":{"thought":"x"}}]}`, Content, false},
	{Chat, "finish reason", `data: {"choices":[{"delta":{},"finish_reason":"stop"}]}`, SoftEnd, true},
	{Chat, "finish reason length", `data: {"choices":[{"delta":{"content":""},"finish_reason":"length"}]}`, SoftEnd, true},
	{Chat, "finish reason error", `data: {"choices":[{"delta":{"content":""},"finish_reason":"error"}]}`, Error, false},
	{Chat, "no resources", `data: {"choices":[{"delta":{},"finish_reason":"insufficient_system_resource"}]}`, Error, false},
	{Chat, "done", "data: [DONE]", HardEnd, false},
	{Chat, "done without a blank", "data:[DONE]", HardEnd, false},

	// Completions.
	{Completions, "empty text", `data: {"choices":[{"text":"","index":0,"logprobs":null,"finish_reason":null}]}`, Preamble, false},
	{Completions, "text", `data: {"choices":[{"text":"a"}]}`, Content, false},
	{Completions, "finish reason", `data: {"choices":[{"text":"","finish_reason":"stop"}]}`, SoftEnd, true},
	{Completions, "done", "data: [DONE]", HardEnd, false},

	// Responses.
	{Responses, "created", "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\",\"error\":null,\"output\":[]}}", Preamble, false},
	{Responses, "queued", `data: {"type":"response.queued","response":{}}`, Preamble, false},
	{Responses, "in progress", `data: {"type":"response.in_progress","response":{"error":null}}`, Preamble, false},
	{Responses, "keepalive", `data: {"type":"keepalive","sequence_number":3}`, Preamble, false},
	{Responses, "heartbeat", "event: heartbeat\ndata: {}", Preamble, false},
	{Responses, "created with an error", `data: {"type":"response.created","response":{"error":{"code":"server_error"}}}`, Error, false},
	{Responses, "item added", `data: {"type":"response.output_item.added","item":{"type":"message","content":[]}}`, Content, false},
	{Responses, "text", `data: {"type":"response.output_text.delta","delta":"the error is in \"error\""}`, Content, false},
	{Responses, "unknown", `data: {"type":"response.new_thing"}`, Content, false},
	{Responses, "completed", `data: {"type":"response.completed","response":{"status":"completed","error":null,"output":[{"type":"message"}]}}`, HardEnd, true},
	{Responses, "completed, nothing in it", `data: {"type":"response.completed","response":{"status":"completed","output":[],"usage":{"output_tokens":0}}}`, HardEnd, false},
	{Responses, "completed with tokens", `data: {"type":"response.completed","response":{"status":"completed","output":[],"usage":{"output_tokens":4}}}`, HardEnd, false},
	{Responses, "failed", "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"server_is_overloaded\"}}}", Error, false},
	{Responses, "incomplete without output", `data: {"type":"response.incomplete","response":{"status":"incomplete","output":[],"incomplete_details":{"reason":"content_filter"}}}`, Error, false},
	{Responses, "incomplete with output", `data: {"type":"response.incomplete","response":{"status":"incomplete","output":[{"type":"message"}]}}`, HardEnd, true},
	{Responses, "flat error", `data: {"type":"error","code":"rate_limit_exceeded","message":"slow down","param":null}`, Error, false},
	{Responses, "error of a gateway", `data: {"error":{"message":"x"}}`, Error, false},

	// Anthropic.
	{Messages, "start", "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}", Preamble, false},
	{Messages, "ping", "event: ping\ndata: {\"type\": \"ping\"}", KeepAlive, false},
	{Messages, "ping without data", "event: ping", KeepAlive, false},
	{Messages, "empty text block", `data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`, Preamble, false},
	{Messages, "empty thinking block", `data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`, Preamble, false},
	{Messages, "block that has a text", `data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}}`, Content, false},
	{Messages, "tool use", `data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}`, Content, false},
	{Messages, "redacted thinking", `data: {"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"x"}}`, Content, false},
	{Messages, "stop of an empty block", `data: {"type":"content_block_stop","index":0}`, Preamble, false},
	{Messages, "text", "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}", Content, false},
	{Messages, "thinking", `data: {"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"hm"}}`, Content, false},
	{Messages, "delta without a reason", `data: {"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":1}}`, Content, false},
	{Messages, "stop reason", `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":0}}`, SoftEnd, true},
	{Messages, "stop", "event: message_stop\ndata: {\"type\":\"message_stop\"}", HardEnd, false},
	{Messages, "error", "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}", Error, false},
	{Messages, "error without a type", "event: error\ndata: {\"message\":\"x\"}", Error, false},
	{Messages, "unknown", `data: {"type":"new_event"}`, Content, false},
	{Messages, "chat error of a gateway", `data: {"error":{"message":"x","type":"new_api_error"}}`, Error, false},
	{Messages, "done", "data: [DONE]", HardEnd, false},

	// Gemini.
	{GenerateContent, "no parts", `data: {"candidates":[{"content":{"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":5},"modelVersion":"g"}`, Preamble, false},
	{GenerateContent, "no candidates", `data: {"usageMetadata":{"promptTokenCount":5},"responseId":"x"}`, Preamble, false},
	{GenerateContent, "empty parts and STOP", `data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP"}]}`, Preamble, true},
	{GenerateContent, "STOP alone", `data: {"candidates":[{"finishReason":"STOP","index":0}]}`, Preamble, true},
	{GenerateContent, "text", `data: {"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"}}]}`, Content, false},
	{GenerateContent, "text and STOP", `data: {"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"},"finishReason":"STOP"}]}`, SoftEnd, true},
	{GenerateContent, "thought", `data: {"candidates":[{"content":{"parts":[{"text":"hm","thought":true}]}}]}`, Content, false},
	{GenerateContent, "signature of a thought", `data: {"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"x"}]}}]}`, Content, false},
	{GenerateContent, "function call", `data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}}}]}}]}`, Content, false},
	{GenerateContent, "safety", `data: {"candidates":[{"finishReason":"SAFETY","index":0}]}`, SoftEnd, true},
	{GenerateContent, "blocked prompt", `data: {"promptFeedback":{"blockReason":"SAFETY"}}`, SoftEnd, true},
	{GenerateContent, "grounding", `data: {"candidates":[{"groundingMetadata":{"x":1}}]}`, Content, false},
	{GenerateContent, "wrapped", `data: {"response":{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}}`, Content, false},
	{GenerateContent, "wrapped, no parts", `data: {"response":{"candidates":[{"content":{"role":"model"}}]}}`, Preamble, false},
	{GenerateContent, "error", `data: {"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}`, Error, false},

	// Audio and images.
	{Media, "audio", `data: {"type":"speech.audio.delta","audio":"AAAA"}`, Content, false},
	{Media, "end of speech", `data: {"type":"speech.audio.done","usage":{}}`, HardEnd, true},
	{Media, "text", `data: {"type":"transcript.text.delta","delta":"a"}`, Content, false},
	{Media, "end of the text", `data: {"type":"transcript.text.done","text":"a"}`, HardEnd, true},
	{Media, "image", `data: {"type":"image_generation.completed","b64_json":"AA"}`, SoftEnd, true},
	{Media, "error", `data: {"type":"error","message":"x"}`, Error, false},

	// Errors in each form, in any format.
	{Chat, "error object", `data: {"error":{"message":"x","type":"server_error"}}`, Error, false},
	{Chat, "error text", `data: {"error":"upstream said no","code":"internal"}`, Error, false},
	{Chat, "flat error", `data: {"type":"error","message":"x"}`, Error, false},
	{Chat, "vLLM's error", `data: {"object":"error","message":"x","type":"BadRequestError","code":400}`, Error, false},
	{Chat, "detail", `data: {"detail":"Not authenticated"}`, Error, false},
	{Chat, "in an array", `data: [{"error":{"code":503,"message":"x"}}]`, Error, false},
	{Chat, "code and message", `data: {"code":"InvalidApiKey","message":"Invalid API-key provided.","request_id":"r"}`, Error, false},
	{Chat, "success false", `data: {"success":false,"message":"no quota"}`, Error, false},
	{Chat, "MiniMax's base_resp", `data: {"choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}`, Error, false},
	{Chat, "a good base_resp", `data: {"choices":[{"delta":{"content":"Hi"}}],"base_resp":{"status_code":0,"status_msg":""}}`, Content, false},
	{Chat, "choices null", `data: {"choices":null}`, Preamble, false},
	{Chat, "Cloudflare's errors", `data: {"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"messages":[],"result":null}`, Error, false},
	{Plain, "status and message", `data: {"status":"error","message":"x"}`, Error, false},
	{Plain, "a job that waits", `data: {"id":"job1","status":"pending","message":"queued"}`, Content, false},
	{Plain, "a job that ended", `data: {"code":"Succeeded","message":"done"}`, Content, false},
	{Chat, "good code and message", `data: {"code":0,"message":"ok"}`, Preamble, false},
	{Chat, "nothing", `data: {}`, Preamble, false},
	{Chat, "a heartbeat", `data: {"type":"keep-alive"}`, Preamble, false},
	{Chat, "an error in a choice", `data: {"choices":[{"delta":{"content":""},"error":{"code":502,"message":"x"}}]}`, Error, false},
	{Messages, "nothing", `data: {}`, Preamble, false},
	{Responses, "nothing", `data: {}`, Preamble, false},
	{Chat, "error event of a gateway", "event: error\ndata: upstream said no", Error, false},
	{Chat, "error event without data", "event: error", Error, false},
	{Chat, "JSON without data:", `{"error":{"message":"x"}}`, Error, false},
	{Chat, "text about errors", `data: {"choices":[{"delta":{"content":"\"error\":{\"message\":1}"}}]}`, Content, false},
	{Plain, "error", `data: {"error":{"message":"x"}}`, Error, false},
}

func TestKindsOfEvents(t *testing.T) {
	for _, tt := range eventKinds {
		t.Run(tt.format.String()+"/"+tt.name, func(t *testing.T) {
			var s Stream
			s.Begin(tt.format, http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}})
			if tt.event[0] == '{' {
				_, _, _ = s.Next([]byte("retry: 1\n\n")) // otherwise all of it would be taken for a document
			}
			stream := []byte(tt.event + "\n\n")
			e, n, ok := s.Next(stream)
			if !ok || e.Kind != tt.want {
				t.Fatalf("%v %q, want %q", ok, e.Kind, tt.want)
			}
			if want := len(stream); n != want && tt.want != KeepAlive {
				t.Errorf("ended after %d bytes, not %d", n, want)
			}
			if s.Finished != tt.finished {
				t.Errorf("finished: %v", s.Finished)
			}
			if started := tt.want == Content || tt.want == SoftEnd; s.Started != started {
				t.Errorf("started: %v", s.Started)
			}
			if tt.want == Error && s.Finished {
				t.Error("an error is not the end of a good answer")
			}
		})
	}
}

func TestKindsOfLines(t *testing.T) {
	for _, tt := range []struct {
		line     string
		want     Kind
		finished bool
	}{
		{`{"model":"m","created_at":"t","message":{"role":"assistant","content":""},"done":false}`, Preamble, false},
		{`{"model":"m","response":"","done":false}`, Preamble, false},
		{`{"model":"m","message":{"role":"assistant","content":"Hi"},"done":false}`, Content, false},
		{`{"model":"m","message":{"role":"assistant","content":"","thinking":"hm"},"done":false}`, Content, false},
		{`{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f"}}]},"done":false}`, Content, false},
		{`{"model":"m","response":"Hi","done":false}`, Content, false},
		{`{"model":"m","response":"","thinking":"hm","done":false}`, Content, false},
		{`{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","eval_count":5}`, HardEnd, true},
		{`{"model":"m","response":"","done":true,"done_reason":"load"}`, HardEnd, true},
		{`{"model":"m","response":"","done":true}`, HardEnd, false},
		{`{"model":"m","response":"all","done":true}`, HardEnd, true},
		{`{"error":"an error was encountered while running the model"}`, Error, false},
		{`{"unknown":1}`, Content, false},
		{``, KeepAlive, false},
	} {
		var s Stream
		s.Begin(OllamaChat, http.Header{"Content-Type": {"application/x-ndjson"}})
		e, n, ok := s.Next([]byte(tt.line + "\n"))
		if !ok || e.Kind != tt.want || n != len(tt.line)+1 || s.Finished != tt.finished {
			t.Errorf("%s: %v %q after %d bytes, finished %v; want %q", tt.line, ok, e.Kind, n, s.Finished, tt.want)
		}
	}
}

// TestCountedTokens shows that an answer with counted tokens is not empty. It is not
// finished either, since some sites count in each chunk.
func TestCountedTokens(t *testing.T) {
	for _, tt := range []struct {
		format Format
		event  string
	}{
		{Chat, `{"choices":[],"usage":{"completion_tokens":3}}`},
		{Chat, `{"choices":[{"delta":{"content":""}}],"usage":{"completion_tokens":3}}`},
		{Chat, `{"choices":[{"delta":{"content":"a"}}],"usage":{"completion_tokens":3}}`},
		{GenerateContent, `{"candidates":[{"content":{"role":"model"}}],"usageMetadata":{"candidatesTokenCount":3}}`},
		{Responses, `{"type":"response.completed","response":{"status":"completed","output":[],"usage":{"output_tokens":4}}}`},
	} {
		var s Stream
		s.Begin(tt.format, http.Header{"Content-Type": {"text/event-stream"}})
		follow(&s, "data: "+tt.event+"\n\n", 1000)
		if s.Empty() || s.Finished || !s.Counted {
			t.Errorf("%s: empty %v, finished %v, counted %v", tt.event, s.Empty(), s.Finished, s.Counted)
		}
	}
}

// TestBlockStop shows that the stop of a block is content after content, so that it is not
// held.
func TestBlockStop(t *testing.T) {
	e := Event{Data: []byte(`{"type":"content_block_stop","index":0}`)}
	if Messages.Classify(&e, true); e.Kind != Content {
		t.Errorf("%q", e.Kind)
	}
	e = Event{Data: []byte(`{"type":"response.incomplete","response":{"status":"incomplete","output":[]}}`)}
	if Responses.Classify(&e, true); e.Kind != HardEnd || !e.Finished {
		t.Errorf("%q", e.Kind)
	}
}

// documents are answers that are not streams.
var documents = []struct {
	format      Format
	contentType string
	body        string
	want        Kind
	empty       bool
}{
	{Chat, "application/json", `{"choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{}}`, Content, false},
	{Chat, "application/json", `{"choices":[]}`, Preamble, true},
	{Chat, "application/json", `{"choices":[],"usage":{"completion_tokens":0}}`, Preamble, true},
	{Chat, "application/json", `{"choices":[],"usage":{"completion_tokens":7}}`, Content, false},
	{Chat, "application/json", `{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}`, Content, false},
	{Chat, "application/json", `{"choices":[{"message":{"content":"half"},"finish_reason":"error"}]}`, Error, true},
	{Chat, "application/json", `{"error":{"message":"x"}}`, Error, true},
	{Chat, "application/json", `{"choices":[{"message":{"content":"Hi"}}],"error":null}`, Content, false},
	{Chat, "application/json", `{"code":401,"message":"no"}`, Error, true},
	{Chat, "text/html", `<html><title>Just a moment...</title></html>`, Page, true},
	{Chat, "text/html", `upstream error`, Page, true},
	{Chat, "text/html", `{"error":{"message":"x"}}`, Error, true},
	{Chat, "", `<!DOCTYPE html><p>`, Page, true},
	{Chat, "application/json", `<HTML>`, Page, true},
	{Chat, "text/event-stream", `{"error":{"message":"x"}}`, Error, true},
	{Chat, "text/event-stream", `<!doctype html>`, Page, true},
	{Chat, "text/plain", `hello`, Error, true},
	{Chat, "application/json", `null`, Error, true},
	{Chat, "application/json", `{}`, Preamble, true},
	{Chat, "application/json", `[]`, Preamble, true},
	{Chat, "application/json", `{"success":true,"message":"","data":null}`, Preamble, true},
	{Chat, "application/json", `<!doctypehtml><html>`, Page, true},
	{Plain, "text/plain", `hello`, Content, false},
	{Chat, "application/json", `[{"error":{"code":503}}]`, Error, true},
	{Responses, "application/json", `{"object":"response","status":"completed","error":null,"output":[{"type":"message"}]}`, Content, false},
	{Responses, "application/json", `{"object":"response","status":"failed","error":{"code":"server_error"},"output":[]}`, Error, true},
	{Responses, "application/json", `{"object":"response","status":"completed","output":[]}`, Preamble, true},
	{Responses, "application/json", `{"object":"response","status":"in_progress","output":[]}`, Content, false},
	{Messages, "application/json", `{"type":"message","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn"}`, Content, false},
	{Messages, "application/json", `{"type":"message","content":[],"stop_reason":"end_turn"}`, Content, false},
	{Messages, "application/json", `{"type":"message","content":[],"stop_reason":null}`, Preamble, true},
	{Messages, "application/json", `{"type":"error","error":{"type":"overloaded_error"}}`, Error, true},
	{GenerateContent, "application/json", `{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}`, Content, false},
	{GenerateContent, "application/json", `{"usageMetadata":{}}`, Preamble, true},
	{GenerateContent, "application/json", `{"promptFeedback":{"blockReason":"SAFETY"}}`, Content, false},
	{Plain, "application/json", `{"object":"list","data":[]}`, Content, false},
	{Plain, "application/json", `[]`, Content, false},
	{Media, "audio/mpeg", "ID3\x04", Content, false},
	{Media, "audio/mpeg", `{"error":{"message":"x"}}`, Error, true},
	{Media, "application/octet-stream", "<!DOCTYPE html>", Page, true},
	{Media, "audio/pcm", "\n\r\x00", Content, false},
	{Media, "text/vtt", "WEBVTT\n\n00:00", Content, false},
	{Media, "application/json", `{"created":1,"data":[{"b64_json":"` + strings.Repeat("A", 2*MaxEvent) + `"}]}`, Content, false},
}

func TestKindsOfDocuments(t *testing.T) {
	for _, tt := range documents {
		for _, blank := range []string{"", " \n\n\r\n"} {
			if framing, _ := framingOf(tt.format, tt.contentType); blank != "" && framing == Binary {
				continue
			}
			var s Stream
			s.Begin(tt.format, http.Header{"Content-Type": {tt.contentType}})
			kinds := map[Kind]bool{}
			for _, e := range follow(&s, blank+tt.body, 1000) {
				kinds[e.Kind] = true
			}
			delete(kinds, KeepAlive)
			if len(kinds) != 1 || !kinds[tt.want] || s.Empty() != tt.empty {
				t.Errorf("%s %q %.80q: %v, empty %v; want %q", tt.format, tt.contentType, blank+tt.body, kinds, s.Empty(), tt.want)
			}
		}
	}
	for _, blank := range []string{"", " ", "\n\n\n", "\xef\xbb\xbf\n"} {
		for _, contentType := range []string{"application/json", "text/event-stream", "text/html", ""} {
			var s Stream
			s.Begin(Chat, http.Header{"Content-Type": {contentType}})
			follow(&s, blank, 1)
			if !s.Empty() {
				t.Errorf("%q as %s is not empty", blank, contentType)
			}
		}
	}
}
