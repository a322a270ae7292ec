package proxy

import (
	"strings"
	"testing"
)

// TestGoodStatusWithoutAnswer: a good status without an answer; the answer of the next site
// is passed on.
func TestGoodStatusWithoutAnswer(t *testing.T) {
	const upstreamError = "data: {\"error\":{\"message\":\"upstream error\",\"type\":\"server_error\"}}\n\n"
	role := goodEvents[0]
	start := "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":0}}}\n\n"
	created := "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\ndata: {\"type\":\"response.in_progress\",\"response\":{\"id\":\"r\"}}\n\n"
	const geminiStream, geminiWhole = "/v1beta/models/g:streamGenerateContent?alt=sse", "/v1beta/models/g:generateContent"
	goodGemini := streamOf(`data: {"candidates":[{"content":{"parts":[{"text":"hello"}]},"finishReason":"STOP"}]}` + "\n\n")
	wholeGemini := reply(200, `{"candidates":[{"content":{"parts":[{"text":"hello"}]},"finishReason":"STOP"}]}`)
	wholeMessage := reply(200, `{"type":"message","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","usage":{"output_tokens":1}}`)
	for _, tt := range []struct {
		name, path, body string
		bad, good        script
	}{
		{"a role and an error in one piece", chatPath, chatStream, streamOf(role + upstreamError), goodStream},
		{"CRLF that is split", chatPath, chatStream, streamOf(strings.TrimSpace(role)+"\r\n\r", "\n"+strings.TrimSpace(upstreamError)+"\r\n\r", "\n"), goodStream},
		{"an error after a byte order mark", chatPath, chatStream, streamOf("\ufeff" + upstreamError), goodStream},
		{"an error that is a string", chatPath, chatStream, streamOf("data: {\"error\":\"rate limit exceeded\"}\n\n"), goodStream},
		{"an error event with a text", chatPath, chatStream, streamOf("event: error\ndata: Internal Server Error\n\n"), goodStream},
		{"a flat error in Chinese", chatPath, chatStream, streamOf("data: {\"code\":500,\"msg\":\"系统繁忙\",\"data\":null}\n\n"), goodStream},
		{"heartbeats, then an error", chatPath, chatStream, streamOf(": ping\n\n", ": ping\n\n", "data:\n\n", ": ping\n\n"+upstreamError), goodStream},
		{"usage of nothing", chatPath, chatStream, streamOf(role, `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":0,"total_tokens":9}}`+"\n\n", "data: [DONE]\n\n"), goodStream},
		{"a stream of errors called JSON", chatPath, chatStream, reply(200, role+upstreamError, "Content-Type: application/json"), goodStream},
		{"JSON called a stream", chatPath, chatStream, reply(200, `{"error":{"message":"no channel","code":"x"}}`, "Content-Type: text/event-stream"), goodStream},
		{"a page called a stream", chatPath, chatStream, reply(200, `<!doctypehtml><html><title>405</title></html>`, "Content-Type: text/event-stream"), goodStream},
		{"an empty object, then an error", chatPath, chatStream, streamOf("data: {}\n\n", upstreamError), goodStream},
		{"a heartbeat as JSON, then an error", chatPath, chatStream, streamOf("data: {\"type\":\"ping\"}\n\n", upstreamError), goodStream},
		{"an error in a choice", chatPath, chatStream, streamOf(role, `data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":null,"error":{"code":502,"message":"Upstream error"}}]}`+"\n\n"), goodStream},
		{"an error in a choice, whole", chatPath, chatBody, reply(200, `{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":""},"error":{"code":502,"message":"Upstream error"}}]}`), good},
		{"a message without an end", "/v1/messages", messagesBody, streamOf(start, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), goodMessages},
		{"OpenAI's error to Anthropic's request", "/v1/messages", messagesBody, streamOf(start, upstreamError), goodMessages},
		{"Gemini's usage alone", geminiStream, `{"contents":[]}`, streamOf(`data: {"usageMetadata":{"promptTokenCount":4},"modelVersion":"g"}` + "\n\n"), goodGemini},
		{"a break after response.in_progress", "/v1/responses", responsesBody, chunked("text/event-stream", false, created), goodResponses},
		{"a response without output", "/v1/responses", responsesBody, streamOf(created, `data: {"type":"response.completed","response":{"id":"r","status":"completed","output":[],"usage":{"output_tokens":0}}}`+"\n\n"), goodResponses},
		{"JSON that is cut", chatPath, chatBody, chunked("application/json", true, `{"id":"c1","choices":[{"message":{"content":"he`), good},
		{"an empty object", chatPath, chatBody, reply(200, `{}`), good},
		{"null", chatPath, chatBody, reply(200, `null`), good},
		{"an empty array", chatPath, chatBody, reply(200, `[]`), good},
		{"OK", chatPath, chatBody, reply(200, `OK`, "Content-Type: text/plain"), good},
		{"a text in Chinese", "/v1/messages", messagesBody, reply(200, "余额不足", "Content-Type: text/plain; charset=utf-8"), goodMessages},
		{"a JSON string", chatPath, chatBody, reply(200, `"service unavailable"`), good},
		{"no content", chatPath, chatBody, func(c *siteConn) { c.send("HTTP/1.1 204 No Content\r\n\r\n") }, good},
		{"accepted, and nothing else", chatPath, chatBody, func(c *siteConn) { c.send("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n") }, good},
		{"a success without an answer", chatPath, chatBody, reply(200, `{"success":true,"message":"","data":null}`), good},
		{"an empty message", "/v1/messages", `{"model":"claude-x","max_tokens":9,"messages":[]}`, reply(200, `{"type":"message","content":[],"stop_reason":null,"usage":{"output_tokens":0}}`), wholeMessage},
		{"no candidates", geminiWhole, `{"contents":[]}`, reply(200, `{"usageMetadata":{"promptTokenCount":4}}`), wholeGemini},
		{"fewer bytes than announced", chatPath, chatBody, func(c *siteConn) {
			c.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{\"id\":\"c1\"")
			c.close()
		}, good},
		{"a comment before a page", chatPath, chatBody, reply(200, "<!-- maintenance --><html><body>down</body></html>", "Content-Type: application/json"), good},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := newTestSite(t, tt.bad), newTestSite(t, tt.good)
			r := newRig(t, nil, a, b)
			g := r.post(tt.path, tt.body)
			if g.status != 200 || g.err != nil || !strings.Contains(g.body, "hello") {
				t.Errorf("%d %q %v", g.status, g.body, g.err)
			}
			if len(b.requests()) != 1 {
				t.Errorf("b got %d requests, a %d", len(b.requests()), len(a.requests()))
			}
			r.wantReady("b")
		})
	}
}

// TestGoodAnswersInUnusualForms: they are passed on unchanged, after one attempt.
func TestGoodAnswersInUnusualForms(t *testing.T) {
	for _, tt := range []struct {
		name, path, body string
		site             script
		want             string
	}{
		{"a usage after the end", chatPath, chatStream, streamOf(strings.Join(goodEvents, "") + "data: {\"usage\":{\"total_tokens\":4}}\n\n"), "total_tokens"},
		{"early hints", chatPath, chatBody, func(c *siteConn) {
			c.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
			good(c)
		}, "hello"},
		{"no reason phrase", chatPath, chatBody, func(c *siteConn) {
			c.send("HTTP/1.1 200\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"choices\":1}")
		}, "choices"},
		{"blank lines before the JSON", chatPath, chatBody, chunked("application/json", true, "\n", "\n\n", chatAnswer), "hello"},
		{"a refusal without text", chatPath, chatBody, reply(200, `{"choices":[{"index":0,"message":{"role":"assistant","content":null},"finish_reason":"content_filter"}]}`), "content_filter"},
		{"an end of turn without text", "/v1/messages", messagesBody, streamOf("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n\n", "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n", "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), "end_turn"},
		{"a transcription as text", "/v1/audio/transcriptions", `{"model":"whisper"}`, reply(200, "OK", "Content-Type: text/plain"), "OK"},
		{"a list of nothing", "/v1/models", "", reply(200, `{"object":"list","data":[]}`), "list"},
		{"words about errors", chatPath, chatBody, reply(200, `{"choices":[{"index":0,"message":{"role":"assistant","content":"{\"error\":{\"code\":401,\"message\":\"余额不足\"}}"},"finish_reason":"stop"}]}`), "余额不足"},
		{"an error key that is null", chatPath, chatStream, streamOf(`data: {"choices":[{"index":0,"delta":{"content":"hello"},"error":null}],"error":null,"code":0,"message":""}`+"\n\n", "data: [DONE]\n\n"), "hello"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := newTestSite(t, tt.site), newTestSite(t, good)
			r := newRig(t, nil, a, b)
			method := "POST"
			if tt.body == "" {
				method = "GET"
			}
			if g := r.ask(method, tt.path, tt.body); g.status != 200 || g.err != nil || !strings.Contains(g.body, tt.want) || len(b.requests()) != 0 {
				t.Errorf("%d %q %v, b got %d requests", g.status, g.body, g.err, len(b.requests()))
			}
		})
	}
}

// TestErrorsWithAWrongContentEncoding: an error is read even if Content-Encoding is wrong.
func TestErrorsWithAWrongContentEncoding(t *testing.T) {
	const spent = `{"error":{"message":"用户额度不足","code":"insufficient_user_quota"}}`
	for name, site := range map[string]script{
		"plain, called gzip":     reply(403, spent, "Content-Encoding: gzip"),
		"gzip without a header":  reply(403, zipped(spent)),
		"gzip, called identity":  reply(403, zipped(spent), "Content-Encoding: identity"),
		"gzip in capitals":       reply(403, zipped(spent), "Content-Encoding: GZIP"),
		"gzip twice in a header": reply(403, zipped(spent), "Content-Encoding: gzip, identity"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newTestSite(t, site), newTestSite(t, good)
			r := newRig(t, nil, a, b)
			if g := r.post(chatPath, chatBody); g.status != 200 {
				t.Errorf("%d %s", g.status, g.body)
			}
			for label, state := range r.keyStates("a") {
				if state != "quota_spent" {
					t.Errorf("key %s is %s", label, state)
				}
			}
		})
	}
}

// TestErrorsAfterContent: the error is passed on to the caller, and counts against the
// site.
func TestErrorsAfterContent(t *testing.T) {
	content := strings.Join(goodEvents[:2], "")
	for name, end := range map[string]string{
		"an object":      "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"overloaded_error\"}}\n\n",
		"a string":       "data: {\"error\":\"upstream disconnected\"}\n\n",
		"an error event": "event: error\ndata: {\"message\":\"upstream timeout\"}\n\n",
		"a finish":       "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"error\"}]}\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newTestSite(t, streamOf(content, end)), newTestSite(t, goodStream)
			r := newRig(t, nil, a, b)
			g := r.post(chatPath, chatStream)
			if g.status != 200 || g.body != content+end || len(b.requests()) != 0 {
				t.Errorf("%d %q", g.status, g.body)
			}
			if rec := r.last(); rec.Attempts[0].Means == "good" {
				t.Errorf("it counted as %s", rec.Attempts[0].Means)
			}
		})
	}
}

// TestMoreGoodStatusWithoutContent: further cases of the same kind.
func TestMoreGoodStatusWithoutContent(t *testing.T) {
	const upstreamError = "data: {\"error\":{\"message\":\"upstream error\",\"type\":\"server_error\"}}\n\n"
	goodOllama := chunked("application/x-ndjson", true, `{"model":"q","message":{"role":"assistant","content":"hello"},"done":false}`+"\n", `{"model":"q","message":{"content":""},"done":true}`+"\n")
	for _, tt := range []struct {
		name, path, body string
		bad, good        script
	}{
		{"retry alone, then an error", chatPath, chatStream, streamOf("retry: 3000\n\n", "id: 1\n\n", upstreamError), goodStream},
		{"blank lines, then a page", chatPath, chatBody, chunked("application/json", true, "\n\n", "  \n<!DOCTYPE html><html><title>502</title></html>"), good},
		{"a message of null", chatPath, chatBody, reply(200, `{"id":"x","choices":[{"index":0,"message":null,"finish_reason":null}]}`), good},
		{"an empty text without an end", chatPath, chatBody, reply(200, `{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":null}],"usage":{"completion_tokens":0}}`), good},
		{"an error as a text of a stream", chatPath, chatStream, streamOf("data: [ERROR] upstream failed\n\n", "data: [DONE]\n\n"), goodStream},
		{"a flat error with status_code", chatPath, chatStream, streamOf("data: {\"status_code\":429,\"message\":\"rate limited\"}\n\n"), goodStream},
		{"a flat error with statusCode", chatPath, chatBody, reply(200, `{"statusCode":503,"error_type":"busy","message":"come again"}`), good},
		{"FastAPI's detail with 200", chatPath, chatBody, reply(200, `{"detail":"Not authenticated"}`), good},
		{"Ollama's error in the first line", "/api/chat", `{"model":"q","messages":[]}`, chunked("application/x-ndjson", true, `{"error":"model requires more system memory (8 GiB) than is available"}`+"\n"), goodOllama},
		{"an error in Chinese as an event", "/v1/messages", messagesBody, streamOf("event: error\ndata: {\"error\":{\"message\":\"余额不足\"}}\n\n"), goodMessages},
		{"a chat error to a Responses request", "/v1/responses", responsesBody, streamOf("data: {\"error\":{\"message\":\"no\",\"code\":\"insufficient_quota\"}}\n\n"), goodResponses},
		{"an incomplete response without output", "/v1/responses", responsesBody, streamOf(`data: {"type":"response.incomplete","response":{"id":"r","status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[]}}` + "\n\n"), goodResponses},
		{"a break in the middle of an event", chatPath, chatStream, chunked("text/event-stream", false, goodEvents[0], "data: {\"choices\":[{\"del"), goodStream},
		{"an error after an empty thought", "/v1/messages", messagesBody, streamOf("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n", overloadedEvent), goodMessages},
		{"a page behind a byte order mark", chatPath, chatBody, reply(200, "\ufeff<!DOCTYPE html><html></html>", "Content-Type: text/html"), good},
		{"a redirect by script", chatPath, chatBody, reply(200, `<script>location.href="/login"</script>`, "Content-Type: text/html"), good},
		{"plain text with 200 called a page", chatPath, chatBody, reply(200, `Service Unavailable`, "Content-Type: text/html"), good},
		{"a stream that ends at once", "/v1/messages", messagesBody, func(c *siteConn) {
			c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
			c.close()
		}, goodMessages},
		{"a chunk that is broken", chatPath, chatStream, func(c *siteConn) {
			c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
			c.close()
		}, goodStream},
		{"two lengths", chatPath, chatBody, func(c *siteConn) {
			c.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}")
			c.close()
		}, good},
		{"no HTTP at all", chatPath, chatBody, func(c *siteConn) { c.send("SSH-2.0-OpenSSH_9.6\r\n"); c.close() }, good},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := newTestSite(t, tt.bad), newTestSite(t, tt.good)
			r := newRig(t, nil, a, b)
			g := r.post(tt.path, tt.body)
			if g.status != 200 || g.err != nil || !strings.Contains(g.body, "hello") || len(b.requests()) != 1 {
				t.Errorf("%d %q %v; b got %d requests, a %d", g.status, g.body, g.err, len(b.requests()), len(a.requests()))
			}
			r.wantReady("b")
		})
	}
}

// TestWhatARefusalAffects: what is unavailable after an answer, and what still serves.
func TestWhatARefusalAffects(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		status       int
		headers      []string
		repeat       int    // requests that get the answer
		state        string // of a's keys afterwards
		otherModel   bool   // another model is still sent to a
	}{
		{"a model that the plan lacks", `{"error":{"message":"The selected model requires paid balance. Your paid balance is insufficient."}}`, 403, nil, 1, "ready", true},
		{"a cooldown of a model", `{"error":{"code":"model_cooldown","message":"All credentials for model gpt-x are cooling down","reset_seconds":600}}`, 429, nil, 1, "ready", true},
		{"an upstream that failed, as 400", `{"error":{"message":"Error from provider: Upstream request failed"}}`, 400, nil, 1, "ready", true},
		{"a model at capacity, as 400", `{"detail":"Selected model is at capacity. Please try a different model."}`, 400, nil, 1, "ready", true},
		{"a firewall that read the prompt", `<html><title>T-Sec-Waf</title>您提交的请求可能对网站造成威胁</html>`, 403, []string{"Content-Type: text/html"}, 3, "ready", true},
		{"a challenge", `<html><meta name="aliyun_waf_aa"></html>`, 405, []string{"Content-Type: text/html"}, 1, "ready", false},
		{"money", `{"code":402,"msg":"账户余额为0，请先充值"}`, 402, nil, 1, "quota_spent", false},
		{"traditional characters", `{"error":{"message":"該令牌已過期"}}`, 401, nil, 1, "invalid_key", false},
		{"one word of an error", `{"error":"unauthorized"}`, 401, nil, 1, "ready", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bad := reply(tt.status, tt.answer, tt.headers...)
			a := newTestSite(t, func(c *siteConn) {
				if strings.Contains(c.body, "gpt-x") {
					bad(c)
				} else {
					good(c)
				}
			})
			b := newTestSite(t, good)
			r := newRig(t, nil, a, b)
			for range tt.repeat {
				if g := r.post(chatPath, chatBody); g.status != 200 {
					t.Fatalf("%d %s", g.status, g.body)
				}
			}
			states := r.keyStates("a")
			if tt.state == "ready" {
				r.wantReady("a")
			} else if states["a1"] != tt.state {
				t.Errorf("the keys are %v, want %s", states, tt.state)
			}
			before := len(b.requests())
			if g := r.post(chatPath, `{"model":"gpt-other","messages":[]}`); g.status != 200 {
				t.Fatalf("another model: %d %s", g.status, g.body)
			}
			if served := len(b.requests()) == before; served != tt.otherModel {
				t.Errorf("another model was served by a: %v, want %v", served, tt.otherModel)
			}
		})
	}
}
