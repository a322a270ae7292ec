package dialect

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestObjects(t *testing.T) {
	for _, tt := range []struct {
		target, body string
		want         []string
	}{
		{"/v1/chat/completions", `{"model":"m","messages":[]}`, nil},
		{"/v1/files", ``, nil},
		{"/v1/files/file-1", ``, []string{"files/file-1"}},
		{"/v1/files/file-1/content", ``, []string{"files/file-1"}},
		{"/v1/batches/batch_1/cancel", ``, []string{"batches/batch_1"}},
		{"/v1/messages/batches", ``, nil},
		{"/v1/messages/batches/msgbatch_1/results", ``, []string{"batches/msgbatch_1"}},
		{"/v1/uploads/upload_1/parts", ``, []string{"uploads/upload_1"}},
		{"/v1/responses", `{"model":"m"}`, nil},
		{"/v1/responses/compact", ``, nil},
		{"/v1/responses/resp_1/input_items", ``, []string{"responses/resp_1"}},
		{"/v1/responses", `{"previous_response_id":"resp_1","input":"x"}`, []string{"responses/resp_1"}},
		{"/v1/responses", `{"previous_response_id":null,"conversation":{"id":"conv_1"}}`, []string{"conversations/conv_1"}},
		{"/v1/responses", `{"conversation":"conv_1"}`, []string{"conversations/conv_1"}},
		{"/v1/responses", `{"input":[{"content":[{"type":"input_file","file_id": "file-1"},{"file_id":"file-2"},{"file_id":"file-1"}]}]}`, []string{"files/file-1", "files/file-2"}},
		{"/v1/batches", `{"input_file_id":"file-1","endpoint":"/v1/chat/completions"}`, []string{"files/file-1"}},
		{"/v1/fine_tuning/jobs/ftjob-1", ``, []string{"jobs/ftjob-1"}},
		{"/v1/threads/thread_1/runs/run_1", ``, []string{"threads/thread_1"}},
		{"/v1/vector_stores/vs_1/files/file-1", ``, []string{"vector_stores/vs_1", "files/file-1"}},
		{"/v1/videos/video_1/content", ``, []string{"videos/video_1"}},
		{"/upload/v1beta/files?upload_id=abc%2B1&upload_protocol=resumable", ``, []string{"uploads/abc+1"}},
		{"/v1beta/files/abc", ``, []string{"files/abc"}},
		{"/v1beta/models/g:generateContent", `{"cachedContent":"cachedContents/c1","contents":[{"parts":[{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/abc"}},{"fileData":{"fileUri":"https://youtu.be/files/x"}}]}]}`, []string{"cachedContents/c1", "files/abc"}},
		{"/v1beta/operations/op1", ``, []string{"operations/op1"}},
		{"/v1/chat/completions", `{"messages":[{"content":"the \"file_id\":\"x\" of it"}]}`, nil},
		{"/v1/chat/completions", `{"file_id`, nil},
	} {
		if got := NamedObjects(parsed(t, tt.target, nil), []byte(tt.body)); !slices.Equal(got, tt.want) {
			t.Errorf("%s %s: %q, want %q", tt.target, tt.body, got, tt.want)
		}
	}
	many := `{"x":[` + strings.Repeat(`{"file_id":"a"},{"file_id":"b"},{"file_id":"c"},{"file_id":"d"},{"file_id":"e"},{"file_id":"f"},{"file_id":"g"},{"file_id":"h"},{"file_id":"i"},`, 100) + `0]}`
	if got := NamedObjects(parsed(t, "/v1/responses", nil), []byte(many)); len(got) != maxObjects {
		t.Errorf("%d objects", len(got))
	}
}

func TestCreated(t *testing.T) {
	for _, tt := range []struct {
		path, body string
		header     http.Header
		want       []string
	}{
		{"/v1/chat/completions", `{"id":"chatcmpl-1"}`, nil, nil},
		{"/v1/files", `{"id":"file-1","object":"file"}`, nil, []string{"files/file-1"}},
		{"/v1/files", `{"object":"list","data":[]}`, nil, nil},
		{"/v1/batches/batch_1", `{"id":"batch_1","object":"batch","output_file_id":"file-2"}`, nil, []string{"batches/batch_1", "files/file-2"}},
		{"/v1/messages/batches", `{"id":"msgbatch_1","type":"message_batch"}`, nil, []string{"batches/msgbatch_1"}},
		{"/v1/uploads", `{"id":"upload_1"}`, nil, []string{"uploads/upload_1"}},
		{"/v1/uploads/upload_1/complete", `{"id":"upload_1","file":{"id":"file-1"}}`, nil, []string{"uploads/upload_1", "files/file-1"}},
		{"/v1/responses", `{"id":"resp_1","object":"response"}`, nil, []string{"responses/resp_1"}},
		{"/v1/responses", `{"type":"response.created","response":{"id":"resp_1"}}`, nil, []string{"responses/resp_1"}},
		{"/v1/videos", `{"id":"video_1"}`, nil, []string{"videos/video_1"}},
		{"/upload/v1beta/files", ``, http.Header{"X-Goog-Upload-Url": {"https://g.example/upload/v1beta/files?upload_id=abc%2B1"}}, []string{"uploads/abc+1"}},
		{"/upload/v1beta/files", `{"file":{"name":"files/abc","uri":"https://x"}}`, nil, []string{"files/abc"}},
		{"/v1beta/cachedContents", `{"name":"cachedContents/c1"}`, nil, []string{"cachedContents/c1"}},
		{"/v1beta/models/g:batchGenerateContent", `{"name":"batches/b1"}`, nil, []string{"batches/b1"}},
		{"/v1/models", `{"name":"models/x"}`, nil, nil},
		{"/v1/files", `no JSON`, nil, nil},
	} {
		if got := CreatedObjects(tt.path, tt.header, []byte(tt.body)); !slices.Equal(got, tt.want) {
			t.Errorf("%s %s: %q, want %q", tt.path, tt.body, got, tt.want)
		}
	}
}
