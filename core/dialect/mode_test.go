package dialect

import (
	"net/http"
	"strings"
	"testing"
)

func TestModeOf(t *testing.T) {
	form := http.Header{"Content-Type": {"multipart/form-data; boundary=BOUND"}}
	for _, tt := range []struct {
		target string
		header http.Header
		body   string
		want   Mode
	}{
		{"/v1/chat/completions", nil, `{"model":"m","stream":true}`, Mode{Stream: true}},
		{"/v1/chat/completions", nil, `{"stream" : true , "messages":[{"stream":false}]}`, Mode{Stream: true}},
		{"/v1/chat/completions", nil, `{"messages":[{"stream":true}],"stream":false}`, Mode{}},
		{"/v1/chat/completions", nil, `{"messages":[`, Mode{}},
		{"/v1/responses", nil, `{"background":true,"stream":true}`, Mode{Stream: true, Background: true}},
		{"/v1/audio/transcriptions", form, strings.Replace(multipartForm, `name="x"`, `name="stream"`, 1), Mode{}},
		{"/v1/audio/transcriptions", form, strings.Replace(strings.Replace(multipartForm, `name="x"`, `name="stream"`, 1), "\r\ny\r\n", "\r\ntrue\r\n", 1), Mode{Stream: true}},
		{"/v1beta/models/g:streamGenerateContent?alt=sse", nil, `{}`, Mode{Stream: true}},
		{"/v1beta/models/g:generateContent", nil, `{"stream":true}`, Mode{}},
		{"/api/chat", nil, `{"model":"m"}`, Mode{Stream: true}},
		{"/api/chat", nil, `{"model":"m","stream":false}`, Mode{}},
		{"/api/tags", nil, ``, Mode{}},
		{"/v1/models", nil, ``, Mode{}},
	} {
		if got := ModeOf(parsed(t, tt.target, tt.header), []byte(tt.body)); got != tt.want {
			t.Errorf("%s %s: %+v, want %+v", tt.target, tt.body, got, tt.want)
		}
	}
	coded := encode(t, "zstd", []byte(`{"stream":true}`))
	if got := ModeOf(parsed(t, "/v1/chat/completions", http.Header{"Content-Encoding": {"zstd"}}), coded); !got.Stream {
		t.Error("the mode in a compressed body is not recognized")
	}
}

func TestStreamFraming(t *testing.T) {
	for target, want := range map[string]Framing{
		"/v1/chat/completions": SSE,
		"/v1/messages":         SSE,
		"/v1beta/models/g:streamGenerateContent?alt=sse":   SSE,
		"/v1beta/models/g:streamGenerateContent?%61lt=SSE": SSE,
		"/v1beta/models/g:streamGenerateContent":           Array,
		"/api/chat":                                        NDJSON,
	} {
		if got := StreamFraming(parsed(t, target, nil)); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}
