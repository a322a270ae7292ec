package proxy

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"
)

// answers are those of the APIs, with what they charge.
var answers = []struct {
	name, body    string
	input, output uint64
}{
	{"chat", `{"id":"x","choices":[{"message":{"content":"say \"usage\":{\"prompt_tokens\":99} twice"}}],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46,"prompt_tokens_details":{"cached_tokens":5,"prompt_tokens":77},"completion_tokens_details":{"reasoning_tokens":3}},"system_fingerprint":null}`, 12, 34},
	{"chat, spread", "{\n \"usage\" : {\n  \"prompt_tokens\" : 7 ,\n  \"completion_tokens\":\t8\n }\n}", 7, 8},
	{"usage first", `{"usage":{"completion_tokens":2,"prompt_tokens":1},"choices":[` + strings.Repeat(`{"x":"y"},`, 2000) + `{}]}`, 1, 2},
	{"chat stream", "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\ndata: [DONE]\n\n", 3, 4},
	{"responses", `{"output":[],"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":20,"output_tokens_details":{"reasoning_tokens":6},"total_tokens":30},"metadata":{"usage":"none"}}`, 10, 20},
	{"responses stream", "event: response.created\ndata: {\"response\":{\"usage\":null}}\n\nevent: response.completed\ndata: {\"response\":{\"usage\":{\"input_tokens\":10,\"output_tokens\":20}}}\n\n", 10, 20},
	{"messages", `{"type":"message","content":[{"type":"text","text":"hi"}],"usage":{"input_tokens":5,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"output_tokens":9,"cache_creation":{"ephemeral_5m_input_tokens":100},"server_tool_use":{"web_search_requests":1}}}`, 1105, 9},
	{"messages stream", "event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":25,\"cache_read_input_tokens\":75,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"usage\":{\"output_tokens\":15}}\n\n", 100, 15},
	{"gemini", `{"candidates":[],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":16,"thoughtsTokenCount":4,"cachedContentTokenCount":2,"promptTokensDetails":[{"modality":"TEXT","tokenCount":8}],"totalTokenCount":28},"modelVersion":"g"}`, 8, 20},
	{"gemini stream", "data: {\"usageMetadata\": {\"promptTokenCount\": 8, \"candidatesTokenCount\": 1}}\r\n\r\ndata: {\"usageMetadata\": {\"promptTokenCount\": 8,\"candidatesTokenCount\": 30}}\r\n\r\n", 8, 30},
	{"embeddings", `{"data":[],"usage":{"prompt_tokens":6,"total_tokens":6}}`, 6, 0},
	{"not numbers", `{"usage":{"prompt_tokens":"12","completion_tokens":-3,"output_tokens":99999999999999999999}}`, 0, 0},
	{"no usage", `{"usages":{"prompt_tokens":1},"usage_x":{"prompt_tokens":1},"usage":[1],"a":"usage"}`, 0, 0},
	{"cut off", `{"usage":{"prompt_tokens":12,"completion_tokens":3`, 0, 0},
	{"a bare name at the end", `{"usage`, 0, 0},
}

// TestUsageIsFoundHoweverTheAnswerIsCut feeds each answer whole, byte by byte,
// and cut in two at every place.
func TestUsageIsFoundHoweverTheAnswerIsCut(t *testing.T) {
	for _, a := range answers {
		check := func(how string, pieces ...string) {
			t.Helper()
			var u usage
			u.begin(http.Header{})
			for _, p := range pieces {
				piece := []byte(p)
				u.pass(piece)
				clear(piece) // the buffer is used again
			}
			u.end()
			if u.input != a.input || u.output != a.output {
				t.Fatalf("%s, %s: %d in, %d out, want %d, %d", a.name, how, u.input, u.output, a.input, a.output)
			}
		}
		check("whole", a.body)
		check("byte by byte", strings.Split(a.body, "")...)
		for i := range min(len(a.body), 700) {
			check("in two", a.body[:i], a.body[i:])
			check("in three", a.body[:i], a.body[i:min(i+3, len(a.body))], a.body[min(i+3, len(a.body)):])
		}
	}
}

func TestUsageIsReadFromGzip(t *testing.T) {
	for _, a := range answers {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(a.body))
		_ = w.Close()
		var u usage
		u.begin(http.Header{"Content-Encoding": {"gzip"}})
		for _, p := range bytes.SplitAfter(b.Bytes(), []byte{0}) {
			u.pass(p)
		}
		u.end()
		if u.input != a.input || u.output != a.output {
			t.Errorf("%s: %d in, %d out", a.name, u.input, u.output)
		}
	}
	for _, encoding := range []string{"br", "gzip"} {
		var u usage
		u.begin(http.Header{"Content-Encoding": {encoding}})
		u.pass(make([]byte, 2*maxZipped))
		if u.end(); !u.unread || u.zipped != nil {
			t.Errorf("%s: kept %d bytes", encoding, len(u.zipped))
		}
	}
}

func TestEncodingsAreNarrowedToOneThatCanBeRead(t *testing.T) {
	for in, want := range map[string]string{
		"gzip, deflate, br, zstd": "gzip", "br;q=1.0, GZIP;q=0.8": "gzip", "br": "br", "": "", "identity": "identity", "gzip;q=0, br": "gzip;q=0, br", "*": "*",
	} {
		h := http.Header{"Accept-Encoding": {in}}
		if readable(h); h.Get("Accept-Encoding") != want {
			t.Errorf("%q: %q", in, h.Get("Accept-Encoding"))
		}
	}
}

func FuzzUsage(f *testing.F) {
	for _, a := range answers {
		f.Add([]byte(a.body), 10)
	}
	f.Fuzz(func(t *testing.T, body []byte, cut int) {
		var whole, parts usage
		whole.pass(body)
		cut = min(max(cut, 0), len(body))
		parts.pass(body[:cut])
		parts.pass(body[cut:])
		if len(body) < maxUsage && (whole.input != parts.input || whole.output != parts.output) {
			t.Errorf("whole %d, %d; in two at %d %d, %d", whole.input, whole.output, cut, parts.input, parts.output)
		}
	})
}

func BenchmarkUsage(b *testing.B) {
	chat := []byte(`{"id":"x","choices":[{"message":{"content":"` + strings.Repeat("some words of an answer, with \\\"quotes\\\" ", 25) + `"}}],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}}`)
	event := []byte("data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n")
	for name, piece := range map[string][]byte{"answer of 1 KB": chat, "event of a stream": event} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(piece)))
			for b.Loop() {
				var u usage
				u.pass(piece)
			}
		})
	}
}
