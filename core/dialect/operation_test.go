package dialect

import (
	"net/http"
	"testing"
)

func TestOperation(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/chat/completions":                                  "/v1/chat/completions",
		"/api/openai/v1/chat/completions":                       "/v1/chat/completions",
		"/chat/completions":                                     "/chat/completions",
		"/v1/messages":                                          "/v1/messages",
		"/v1/messages/count_tokens":                             "/v1/messages/count_tokens",
		"/v1/responses/resp_123":                                "/v1/responses",
		"/v1/audio/speech":                                      "/v1/audio/speech",
		"/v1/audio/transcriptions":                              "/v1/audio/transcriptions",
		"/v1beta/models/gemini-2.5-flash:generateContent":       "generateContent",
		"/v1beta/models/gemini-2.5-flash:streamGenerateContent": "streamGenerateContent",
		"/model/anthropic.claude-v2/invoke":                     "invoke",
		"/openai/deployments/my-gpt/chat/completions":           "/chat/completions",
		"/v1/models/gpt-5":                                      "/v1/models",
		"/v1/somthing":                                          "/v1/other",
		"/":                                                     "/other",
	} {
		if got := Operation(http.MethodPost, path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
