package dialect

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func request(method, target string, h http.Header) *http.Request {
	path, query, _ := strings.Cut(target, "?")
	u := &url.URL{Path: path, RawQuery: query}
	if h == nil {
		h = http.Header{}
	}
	return &http.Request{Method: method, URL: u, Header: h}
}

func TestDialects(t *testing.T) {
	anthropicHeader := http.Header{"Anthropic-Version": {"2023-06-01"}}
	googleHeader := http.Header{"X-Goog-Api-Key": {"k"}}
	for _, tt := range []struct {
		method, path string
		header       http.Header
		want         Dialect
		format       Format
	}{
		{"POST", "/v1/chat/completions", nil, OpenAI, Chat},
		{"POST", "/v1/chat/completions/", nil, OpenAI, Chat},
		{"POST", "/api/v1/chat/completions", nil, OpenAI, Chat},
		{"POST", "/v1/chat/completions", anthropicHeader, OpenAI, Chat},
		{"POST", "/v1/chat/completions", googleHeader, OpenAI, Chat},
		{"POST", "/v1beta/openai/chat/completions", nil, OpenAI, Chat},
		{"POST", "/openai/deployments/gpt-4o/chat/completions", nil, OpenAI, Chat},
		{"POST", "/openai/v1/responses", nil, OpenAI, Responses},
		{"POST", "/v1/responses", nil, OpenAI, Responses},
		{"POST", "/v1/completions", nil, OpenAI, Completions},
		{"POST", "/v1/embeddings", nil, OpenAI, Plain},
		{"POST", "/v1/audio/speech", nil, OpenAI, Media},
		{"POST", "/v1/images/generations", nil, OpenAI, Media},
		{"DELETE", "/v1/models/ft:gpt-4o-mini:acme::abc", nil, OpenAI, Plain},
		{"GET", "/v1/models", nil, OpenAI, Plain},
		{"GET", "/", nil, OpenAI, Plain},
		{"POST", "/v1/threads/t1/messages", nil, OpenAI, Plain},
		{"POST", "/v1/messages", nil, Anthropic, Messages},
		{"POST", "/messages", nil, Anthropic, Messages},
		{"POST", "/anthropic/v1/messages", nil, Anthropic, Messages},
		{"POST", "/v1/messages/count_tokens", nil, Anthropic, Plain},
		{"POST", "/v1/messages/batches", nil, Anthropic, Plain},
		{"POST", "/v1/complete", nil, Anthropic, Messages},
		{"GET", "/v1/models", anthropicHeader, Anthropic, Plain},
		{"POST", "/v1beta/models/gemini-2.0-flash:generateContent", nil, Gemini, GenerateContent},
		{"POST", "/v1/models/gemini-2.0-flash:streamGenerateContent", nil, Gemini, GenerateContent},
		{"POST", "/v1beta/models/gemini-2.0-flash:countTokens", nil, Gemini, Plain},
		{"POST", "/v1beta/models/text-embedding-004:batchEmbedContents", nil, Gemini, Plain},
		{"POST", "/v1/projects/p/locations/l/publishers/google/models/imagen-3:predict", nil, Gemini, Plain},
		{"POST", "/v1/projects/p/locations/l/publishers/anthropic/models/claude:streamRawPredict", nil, Gemini, Messages},
		{"POST", "/v1internal:streamGenerateContent", nil, Gemini, GenerateContent},
		{"POST", "/upload/v1beta/files", nil, Gemini, Plain},
		{"GET", "/v1beta/models", nil, Gemini, Plain},
		{"GET", "/v1/models", googleHeader, Gemini, Plain},
		{"GET", "//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent", nil, Gemini, Plain},
		{"POST", "/model/anthropic.claude-v2/invoke", nil, Anthropic, Messages},
		{"POST", "/model/meta.llama3/converse", nil, OpenAI, Plain},
		{"POST", "/api/chat", nil, Ollama, OllamaChat},
		{"POST", "/api/generate", nil, Ollama, OllamaChat},
		{"POST", "/ollama/api/chat", nil, Ollama, OllamaChat},
		{"GET", "/api/tags", nil, Ollama, Plain},
		{"GET", "/api/user/self", nil, OpenAI, Plain},
	} {
		r := request(tt.method, tt.path, tt.header)
		d := Of(r)
		if d != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.method, tt.path, d, tt.want)
		}
		if f := d.Format(r.URL.Path); f != tt.format {
			t.Errorf("%s %s: format %s, want %s", tt.method, tt.path, f, tt.format)
		}
		if Named(d.String()) != d {
			t.Errorf("%s has another name", d)
		}
	}
	if Named("klingon") != nil {
		t.Error("an unknown name has a dialect")
	}
}

func TestEndpoints(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		want         Endpoint
	}{
		{"POST", "/v1/chat/completions", Generate},
		{"POST", "/v1/completions", Generate},
		{"POST", "/v1/responses", Generate},
		{"POST", "/openai/deployments/d/chat/completions", Generate},
		{"POST", "/v1/messages", Generate},
		{"POST", "/messages", Generate},
		{"POST", "/v1/embeddings", Generate},
		{"POST", "/v1/images/generations", Generate},
		{"POST", "/v1/audio/transcriptions", Generate},
		{"POST", "/v1/videos", Generate},
		{"GET", "/v1/realtime", Generate},
		{"GET", "/v1/responses", Generate}, // a WebSocket
		{"POST", "/v1/realtime/sessions", Generate},
		{"POST", "/api/chat", Generate},
		{"POST", "/api/embed", Generate},
		{"POST", "/v1beta/models/gemini:generateContent", Generate},
		{"POST", "/v1beta/models/gemini:streamGenerateContent", Generate},
		{"POST", "/v1beta/models/emb:batchEmbedContents", Generate},
		{"GET", "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent", Generate},
		{"POST", "/model/meta.llama3/converse-stream", Generate},
		{"GET", "/v1/models", Models},
		{"GET", "/v1/models/gpt-4o", Models},
		{"GET", "/v1/models/user/files", Models},
		{"DELETE", "/v1/models/ft:gpt-4o-mini:acme::abc", Models},
		{"GET", "/v1beta/models", Models},
		{"GET", "/api/tags", Models},
		{"GET", "/api/v1/models", Models},
		{"POST", "/v1/messages/count_tokens", Count},
		{"POST", "/v1/responses/input_tokens", Count},
		{"POST", "/v1beta/models/gemini:countTokens", Count},
		{"POST", "/tokenize", Count},
		{"POST", "/v1/moderations", Moderation},
		{"POST", "/v1/rerank", Rerank},
		{"GET", "/v1/dashboard/billing/subscription", Account},
		{"GET", "/dashboard/billing/usage", Account},
		{"GET", "/v1/organization/usage/completions", Account},
		{"GET", "/api/v1/credits", Account},
		{"GET", "/api/v1/auth/key", Account},
		{"GET", "/api/v1/key", Account},
		{"GET", "/api/user/self", Account},
		{"GET", "/user/balance", Account},
		{"GET", "/v1/files", Files},
		{"POST", "/v1/files", Files},
		{"GET", "/v1/files/file-1/content", Files},
		{"POST", "/v1/uploads/upload_1/parts", Files},
		{"POST", "/v1/batches", Files},
		{"POST", "/v1/messages/batches", Files},
		{"GET", "/v1/messages/batches/b1/results", Files},
		{"GET", "/v1/responses/resp_1", Files},
		{"POST", "/v1/responses/resp_1/cancel", Files},
		{"DELETE", "/v1/responses/resp_1", Files},
		{"GET", "/v1/responses/resp_1/input_items", Files},
		{"POST", "/v1/responses/compact", Generate},
		{"GET", "/v1/chat/completions", Files},
		{"GET", "/v1/chat/completions/chatcmpl-1", Files},
		{"GET", "/v1/videos/video_1", Files},
		{"POST", "/v1/fine_tuning/jobs", Files},
		{"POST", "/v1/threads/t1/messages", Files},
		{"POST", "/upload/v1beta/files", Files},
		{"GET", "/v1beta/files/abc", Files},
		{"POST", "/v1beta/cachedContents", Files},
		{"POST", "/v1beta/models/gemini:batchGenerateContent", Files},
		{"GET", "/v1beta/operations/o1", Files},
		{"GET", "/", Other},
		{"GET", "/health", Other},
		{"POST", "/v1/unknown", Other},
	} {
		if got := EndpointOf(tt.method, tt.path); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.method, tt.path, got, tt.want)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	r := request("POST", "/v1/chat/completions", http.Header{"Authorization": {"Bearer x"}})
	b.ReportAllocs()
	for b.Loop() {
		_ = Of(r).Format(r.URL.Path)
		_ = EndpointOf(r.Method, r.URL.Path)
	}
}
