package clients

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/fakesite"
)

// gemini sends a request as clients of that API do, over plain HTTP.
func (w *world) gemini(method, query, header string) (int, string) {
	w.t.Helper()
	body := strings.NewReader(`{"contents":[{"role":"user","parts":[{"text":"Say hello."}]}]}`)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/v1beta/models/gemini-x:"+method+query, body)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if header != "" {
		req.Header.Set("X-Goog-Api-Key", header)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestGemini(t *testing.T) {
	w := start(t, token)
	for _, tt := range []struct{ method, query, header, part string }{
		{"generateContent", "", token, `"text":"Hello from `},
		{"generateContent", "?key=" + token, "", `"text":"Hello from `},
		{"streamGenerateContent", "?alt=sse", token, "data: {"},
		{"streamGenerateContent", "?key=" + token + "&alt=sse", "", "data: {"},
	} {
		w.primary.Forget()
		w.backup.Forget()
		if status, body := w.gemini(tt.method, tt.query, tt.header); status != 200 || !strings.Contains(body, tt.part) {
			t.Errorf("%s%s: %d %s", tt.method, tt.query, status, body)
		}
		w.seen(w.primary, fakesite.StyleGoogKey, key1)
		if q := w.primary.Requests()[0].RawQuery; strings.Contains(q, "key=") || strings.Contains(tt.query, "alt=sse") != (q == "alt=sse") {
			t.Errorf("the site got the query %q", q)
		}
		w.primary.Next(fakesite.Status(503, "{}"))
		if status, body := w.gemini(tt.method, tt.query, tt.header); status != 200 || !strings.Contains(body, tt.part) {
			t.Errorf("%s%s after a failure: %d %s", tt.method, tt.query, status, body)
		}
		w.seen(w.backup, fakesite.StyleGoogKey, backupKey)
	}
	if status, body := w.gemini("generateContent", "?key=wrong", ""); status != 401 || !strings.Contains(body, `"code":401`) {
		t.Errorf("a wrong token: %d %s", status, body)
	}
}
