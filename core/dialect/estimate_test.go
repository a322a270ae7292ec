package dialect

import (
	"net/http"
	"strings"
	"testing"
)

func TestEstimate(t *testing.T) {
	picture := strings.Repeat("iVBORw0KGgo/", 10000)
	for name, c := range map[string]struct {
		body        string
		least, most int
		output      int
	}{
		"text":                   {`{"model":"m","max_tokens":77,"messages":[{"role":"user","content":"` + strings.Repeat("word ", 800) + `"}]}`, 1000, 1030, 77},
		"quotes":                 {`{"messages":[{"content":"` + strings.Repeat(`say \"x\" `, 400) + `"}]}`, 950, 1020, 0},
		"openai image":           {`{"max_completion_tokens":5,"messages":[{"content":[{"image_url":{"url":"data:image/png;base64,` + picture + `"}},{"text":"hi"}]}]}`, 1500, 1540, 5},
		"two anthropic images":   {`{"messages":[{"source":{"type":"base64","data":"` + picture + `"}},{"source":{"data":"` + picture + `"}}]}`, 3000, 3050, 0},
		"gemini":                 {`{"contents":[{"parts":[{"inlineData":{"data":"` + picture + `"}}]}],"generationConfig":{"maxOutputTokens":9}}`, 1500, 1540, 9},
		"responses":              {`{"input":"hi","max_output_tokens":3}`, 5, 15, 3},
		"not JSON, and its ends": {`"\`, 0, 1, 0},
	} {
		got := EstimateOf(http.Header{}, []byte(c.body))
		if got.Input < c.least || got.Input > c.most || got.MaxOutput != c.output {
			t.Errorf("%s: %+v, want %d to %d, and %d", name, got, c.least, c.most, c.output)
		}
	}
	if got := EstimateOf(http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, []byte(picture)); got.Input != tokensPerMedia {
		t.Errorf("%+v", got)
	}
}
