package dialect

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

var problem = Problem{Status: 502, Code: "channel_unavailable", Message: "no \"channel\" answered:\nmain: 401", RequestID: "req1"}

func TestErrorBodies(t *testing.T) {
	for _, tt := range []struct {
		dialect Dialect
		want    string
	}{
		{OpenAI, `{"error":{"message":"no \"channel\" answered:\nmain: 401","type":"server_error","param":null,"code":"channel_unavailable"}}`},
		{Anthropic, `{"type":"error","error":{"type":"api_error","message":"no \"channel\" answered:\nmain: 401"},"request_id":"req1"}`},
		{Gemini, `{"error":{"code":502,"message":"no \"channel\" answered:\nmain: 401","status":"UNAVAILABLE"}}`},
		{Ollama, `{"error":"no \"channel\" answered:\nmain: 401"}`},
	} {
		if got := string(tt.dialect.ErrorBody(problem)); got != tt.want {
			t.Errorf("%s: %s", tt.dialect, got)
		}
	}
}

// TestErrorTypes shows that the types are those of the API, and that only status 529 is an
// overload.
func TestErrorTypes(t *testing.T) {
	for _, tt := range []struct {
		status                    int
		openAI, anthropic, gemini string
	}{
		{400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
		{401, "invalid_request_error", "authentication_error", "UNAUTHENTICATED"},
		{402, "invalid_request_error", "billing_error", "INVALID_ARGUMENT"},
		{403, "invalid_request_error", "permission_error", "PERMISSION_DENIED"},
		{404, "invalid_request_error", "not_found_error", "NOT_FOUND"},
		{405, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
		{413, "invalid_request_error", "request_too_large", "INVALID_ARGUMENT"},
		{424, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
		{429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"},
		{500, "server_error", "api_error", "INTERNAL"},
		{502, "server_error", "api_error", "UNAVAILABLE"},
		{503, "server_error", "api_error", "UNAVAILABLE"},
		{504, "server_error", "timeout_error", "DEADLINE_EXCEEDED"},
		{529, "server_error", "overloaded_error", "UNAVAILABLE"},
	} {
		p := Problem{Status: tt.status}
		if got := OpenAI.ErrorType(p); got != tt.openAI {
			t.Errorf("OpenAI, %d: %s", tt.status, got)
		}
		if got := Anthropic.ErrorType(p); got != tt.anthropic {
			t.Errorf("Anthropic, %d: %s", tt.status, got)
		}
		if got := Gemini.ErrorType(p); got != tt.gemini {
			t.Errorf("Gemini, %d: %s", tt.status, got)
		}
	}
}

// TestErrorEventsAreUnderstood shows that our error in a stream is read as an error in the
// same format, and ends the answer if the format has such an end.
func TestErrorEventsAreUnderstood(t *testing.T) {
	for _, f := range []Format{Chat, Responses, Completions, Messages, GenerateContent, OllamaChat, Media, Plain} {
		for framing, contentType := range map[Framing]string{SSE: "text/event-stream", NDJSON: "application/x-ndjson", Array: "application/json", Document: "application/json", Binary: "audio/mpeg"} {
			if framing == Array && f != GenerateContent || framing == Document && f == OllamaChat {
				continue
			}
			for _, begun := range []bool{false, true} {
				written := ErrorEvent(f, framing, begun, problem)
				if framing == Binary || framing == Document && begun {
					if written != nil {
						t.Errorf("%s, %s: %q", f, framing, written)
					}
					continue
				}
				before := ""
				if framing == Array && begun {
					before = `[{"candidates":[]}`
				}
				var s Stream
				s.Begin(f, http.Header{"Content-Type": {contentType}})
				found := false
				for _, e := range follow(&s, before+string(written), 1000) {
					found = found || e.Kind == Error
				}
				if !found || s.Framing() != framing || !s.Between() {
					t.Errorf("%s, %s, begun %v: %q is not read as an error", f, framing, begun, written)
				}
				if framing == Array && !json.Valid([]byte(before+string(written))) {
					t.Errorf("%q%q is not JSON", before, written)
				}
				if !bytes.Contains(written, []byte("main: 401")) {
					t.Errorf("%s, %s: %q has no message", f, framing, written)
				}
			}
		}
	}
}

func TestErrorEventsOfResponses(t *testing.T) {
	got := string(ErrorEvent(Responses, SSE, true, problem))
	first, second, _ := strings.Cut(got, "\n\n")
	if !strings.HasPrefix(first, "event: error\ndata: {\"type\":\"error\",\"code\":\"channel_unavailable\"") ||
		!strings.HasPrefix(second, "event: response.failed\ndata: {\"type\":\"response.failed\"") || !strings.HasSuffix(second, "\n\n") {
		t.Errorf("%q", got)
	}
}

// TestKeepAliveBytes shows that our own parser reads them as keep-alive.
func TestKeepAliveBytes(t *testing.T) {
	for _, tt := range []struct {
		format  Format
		framing Framing
		counted bool
		want    string
	}{
		{Chat, SSE, false, ": keep-alive\n\n"},
		{Chat, SSE, true, ": keep-alive\n\n"},
		{Responses, SSE, false, ": keep-alive\n\n"},
		{Responses, SSE, true, "event: keepalive\ndata: {\"type\":\"keepalive\"}\n\n"},
		{Messages, SSE, false, "event: ping\ndata: {\"type\": \"ping\"}\n\n"},
		{GenerateContent, SSE, false, "\n\n"},
		{GenerateContent, SSE, true, "\n\n"},
		{GenerateContent, Array, false, "\n"},
		{Chat, Document, false, "\n"},
		{OllamaChat, NDJSON, false, ""},
		{Media, Binary, false, ""},
	} {
		got := KeepAliveBytes(tt.format, tt.framing, tt.counted)
		if string(got) != tt.want {
			t.Errorf("%s, %s, counted %v: %q, want %q", tt.format, tt.framing, tt.counted, got, tt.want)
		}
		if tt.framing != SSE {
			continue
		}
		var s Stream
		s.Begin(tt.format, http.Header{"Content-Type": {"text/event-stream"}})
		for _, e := range follow(&s, string(got), 1000) {
			if e.Kind != KeepAlive && !tt.counted || s.Started || s.Finished {
				t.Errorf("%s: %q is read as %s", tt.format, got, e.Kind)
			}
		}
	}
}

func TestAcceptsKeepAlive(t *testing.T) {
	for client, want := range map[string]bool{
		"":                                      true,
		"google-genai-sdk/1.20.0 gl-node/v22":   false,
		"google-genai-sdk/1.20.0 gl-web/x":      false,
		"google-genai-sdk/0.7.0 gl-node/v20":    false,
		"google-genai-sdk/1.21.0 gl-node/v22":   true,
		"google-genai-sdk/2.32.0 gl-node/v22":   true,
		"google-genai-sdk/1.2.0 gl-python/3.12": true,
		"google-genai-sdk/1.2.0 gl-go/go1.26":   true,
		"genai-js/0.21.0":                       false,
		"gl-java/17":                            true,
	} {
		if got := AcceptsKeepAlive(http.Header{"X-Goog-Api-Client": {client}}); got != want {
			t.Errorf("%q: %v", client, got)
		}
	}
}

func TestNeedsEvents(t *testing.T) {
	for _, h := range []http.Header{{"Originator": {"codex_cli_rs"}}, {"User-Agent": {"codex_exec/0.171.0 (Linux)"}}} {
		if !NeedsEvents(h) {
			t.Errorf("%v", h)
		}
	}
	if NeedsEvents(http.Header{"User-Agent": {"OpenAI/JS 6.1"}}) {
		t.Error("the SDK for JavaScript needs no events")
	}
}
