package dialect

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// charged are answers of the APIs, with their tokens.
var charged = []struct {
	name, body string
	want       Tokens
}{
	{"chat", `{"id":"x","choices":[{"message":{"content":"say \"usage\":{\"prompt_tokens\":99} twice"}}],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46,"prompt_tokens_details":{"cached_tokens":5,"prompt_tokens":77,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":3,"accepted_prediction_tokens":0}},"system_fingerprint":null}`, Tokens{Input: 12, Output: 34, CacheRead: 5, Reasoning: 3}},
	{"chat, spread", "{\n \"usage\" : {\n  \"prompt_tokens\" : 7 ,\n  \"completion_tokens\":\t8\n }\n}", Tokens{Input: 7, Output: 8}},
	{"usage first", `{"usage":{"completion_tokens":2,"prompt_tokens":1},"choices":[` + strings.Repeat(`{"x":"y"},`, 2000) + `{}]}`, Tokens{Input: 1, Output: 2}},
	{"chat stream", "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\ndata: [DONE]\n\n", Tokens{Input: 3, Output: 4}},
	{"chat stream without usage", "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n", Tokens{}},
	{"chat stream, usage in each event", "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\ndata: [DONE]\n\n", Tokens{Input: 3, Output: 4}},
	{"chat with audio", `{"usage":{"prompt_tokens":30,"completion_tokens":60,"prompt_tokens_details":{"audio_tokens":20,"cached_tokens":0},"completion_tokens_details":{"audio_tokens":40,"reasoning_tokens":0,"text_tokens":20}}}`, Tokens{Input: 30, Output: 60}},
	{"speech stream", "data: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":14,\"output_tokens\":101,\"total_tokens\":115}}\n\n", Tokens{Input: 14, Output: 101}},
	{"responses stream, cached", "event: response.completed\ndata: {\"response\":{\"usage\":{\"input_tokens\":100,\"input_tokens_details\":{\"cached_tokens\":90},\"output_tokens\":20,\"output_tokens_details\":{\"reasoning_tokens\":8}}}}\n\n", Tokens{Input: 100, Output: 20, CacheRead: 90, Reasoning: 8}},
	{"messages stream, cache written", "event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":3,\"cache_creation_input_tokens\":500,\"cache_read_input_tokens\":0,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"usage\":{\"input_tokens\":3,\"cache_creation_input_tokens\":500,\"cache_read_input_tokens\":0,\"output_tokens\":15}}\n\n", Tokens{Input: 503, Output: 15, CacheWrite: 500}},
	{"gemini stream, thoughts", "data: {\"usageMetadata\": {\"promptTokenCount\": 8, \"thoughtsTokenCount\": 40, \"totalTokenCount\": 48}}\r\n\r\ndata: {\"usageMetadata\": {\"promptTokenCount\": 8, \"candidatesTokenCount\": 30, \"thoughtsTokenCount\": 52, \"cachedContentTokenCount\": 5, \"totalTokenCount\": 90}}\r\n\r\n", Tokens{Input: 8, Output: 82, CacheRead: 5, Reasoning: 52}},
	{"gemini image", `{"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":1290,"promptTokensDetails":[{"modality":"TEXT","tokenCount":10}],"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290}],"totalTokenCount":1300}}`, Tokens{Input: 10, Output: 1290}},
	{"DeepSeek", `{"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30,"prompt_cache_hit_tokens":8,"prompt_cache_miss_tokens":2,"completion_tokens_details":{"reasoning_tokens":15}}}`, Tokens{Input: 10, Output: 20, CacheRead: 8, Reasoning: 15}},
	{"DeepSeek, twice", `{"usage":{"prompt_tokens":10,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":8},"prompt_cache_hit_tokens":8}}`, Tokens{Input: 10, Output: 20, CacheRead: 8}},
	{"Kimi, in the choice", "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":13,\"total_tokens\":32,\"cached_tokens\":7}}]}\n\ndata: [DONE]\n\n", Tokens{Input: 19, Output: 13, CacheRead: 7}},
	{"OpenRouter", `{"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30,"cost":0.0001,"is_byok":false,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"cost_details":{"upstream_inference_cost":null},"completion_tokens_details":{"reasoning_tokens":5,"image_tokens":0}}}`, Tokens{Input: 10, Output: 20, CacheRead: 4, Reasoning: 5}},
	{"Anthropic by a relay, counted at the end", "event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":0,\"output_tokens\":0}}}\n\nevent: message_delta\ndata: {\"delta\":{},\"usage\":{\"input_tokens\":12,\"output_tokens\":15,\"cache_read_input_tokens\":30}}\n\n", Tokens{Input: 42, Output: 15, CacheRead: 30}},
	{"Qwen, details null", `{"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30,"prompt_tokens_details":null,"completion_tokens_details":null}}`, Tokens{Input: 10, Output: 20}},
	{"Gemini, no candidates", `{"usageMetadata":{"promptTokenCount":8,"totalTokenCount":8}}`, Tokens{Input: 8}},
	{"Groq", `{"usage":{"queue_time":0.01,"prompt_tokens":10,"prompt_time":0.002,"completion_tokens":20,"completion_time":0.1,"total_tokens":30,"total_time":0.2},"x_groq":{"id":"r","usage":{"prompt_tokens":10,"completion_tokens":20}}}`, Tokens{Input: 10, Output: 20}},
	{"Ollama's OpenAI API", `{"usage":{"prompt_tokens":10,"completion_tokens":0,"total_tokens":10}}`, Tokens{Input: 10}},
	{"xAI", `{"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":130,"completion_tokens_details":{"reasoning_tokens":100}}}`, Tokens{Input: 10, Output: 120, Reasoning: 100}},
	{"responses", `{"output":[],"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":20,"output_tokens_details":{"reasoning_tokens":6},"total_tokens":30},"metadata":{"usage":"none"}}`, Tokens{Input: 10, Output: 20, CacheRead: 4, Reasoning: 6}},
	{"responses stream", "event: response.created\ndata: {\"response\":{\"usage\":null}}\n\nevent: response.completed\ndata: {\"response\":{\"usage\":{\"input_tokens\":10,\"output_tokens\":20}}}\n\n", Tokens{Input: 10, Output: 20}},
	{"messages", `{"type":"message","content":[{"type":"text","text":"hi"}],"usage":{"input_tokens":5,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"output_tokens":9,"cache_creation":{"ephemeral_5m_input_tokens":100},"server_tool_use":{"web_search_requests":1}}}`, Tokens{Input: 1105, Output: 9, CacheRead: 1000, CacheWrite: 100}},
	{"messages stream", "event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":25,\"cache_read_input_tokens\":75,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"usage\":{\"output_tokens\":15}}\n\n", Tokens{Input: 100, Output: 15, CacheRead: 75}},
	{"gemini", `{"candidates":[],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":16,"thoughtsTokenCount":4,"cachedContentTokenCount":2,"toolUsePromptTokenCount":1,"promptTokensDetails":[{"modality":"TEXT","tokenCount":8}],"totalTokenCount":28},"modelVersion":"g"}`, Tokens{Input: 9, Output: 20, CacheRead: 2, Reasoning: 4}},
	{"gemini stream", "data: {\"usageMetadata\": {\"promptTokenCount\": 8, \"candidatesTokenCount\": 1}}\r\n\r\ndata: {\"usageMetadata\": {\"promptTokenCount\": 8,\"candidatesTokenCount\": 30}}\r\n\r\n", Tokens{Input: 8, Output: 30}},
	{"embeddings", `{"data":[],"usage":{"prompt_tokens":6,"total_tokens":6}}`, Tokens{Input: 6}},
	{"rerank", `{"results":[],"usage":{"total_tokens":6}}`, Tokens{Input: 6}},
	{"images", `{"data":[{"b64_json":"QUJD"}],"usage":{"total_tokens":100,"input_tokens":50,"output_tokens":50,"input_tokens_details":{"text_tokens":10,"image_tokens":40}}}`, Tokens{Input: 50, Output: 50}},
	{"transcription", "data: {\"type\":\"transcript.text.done\",\"text\":\"a\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":14,\"input_token_details\":{\"audio_tokens\":14},\"output_tokens\":45,\"total_tokens\":59}}\n\n", Tokens{Input: 14, Output: 45}},
	{"by duration", `{"text":"a","usage":{"type":"duration","seconds":9}}`, Tokens{}},
	{"not numbers", `{"usage":{"prompt_tokens":"12","completion_tokens":-3,"output_tokens":99999999999999999999,"total_tokens":"many","cached_tokens":"","reasoning_tokens":"1e2"}}`, Tokens{Input: 12}},
	{"numbers in quotes", `{"usage":{"prompt_tokens": "12","completion_tokens":"34","total_tokens":"46","note":"\"5","prompt_tokens_details":{"cached_tokens":"5"}}}`, Tokens{Input: 12, Output: 34, CacheRead: 5}},
	{"with fractions", `{"usage":{"prompt_tokens":12.0,"completion_tokens":34.0}}`, Tokens{Input: 12, Output: 34}},
	{"LiteLLM, Claude", `{"usage":{"total_tokens":103925,"prompt_tokens":98805,"completion_tokens":5120,"prompt_tokens_details":{"text_tokens":null,"cached_tokens":66360,"cache_creation_tokens":32435},"cache_read_input_tokens":66360,"completion_tokens_details":{"reasoning_tokens":1710},"cache_creation_input_tokens":32435}}`, Tokens{Input: 98805, Output: 5120, CacheRead: 66360, CacheWrite: 32435, Reasoning: 1710}},
	{"OpenRouter, Claude", `{"usage":{"prompt_tokens":1000,"completion_tokens":20,"total_tokens":1020,"prompt_tokens_details":{"cached_tokens":400,"cache_write_tokens":500}}}`, Tokens{Input: 1000, Output: 20, CacheRead: 400, CacheWrite: 500}},
	{"new-api, Claude, the prompt without the cache", `{"usage":{"prompt_tokens":3,"completion_tokens":20,"total_tokens":23,"prompt_tokens_details":{"cached_tokens":1000,"cached_creation_tokens":50}}}`, Tokens{Input: 1053, Output: 20, CacheRead: 1000, CacheWrite: 50}},
	{"Qwen, explicit cache", `{"usage":{"prompt_tokens":1600,"completion_tokens":20,"total_tokens":1620,"prompt_tokens_details":{"cached_tokens":0,"cache_creation_input_tokens":1500,"cache_creation":{"ephemeral_5m_input_tokens":1500}}}}`, Tokens{Input: 1600, Output: 20, CacheWrite: 1500}},
	{"responses, cache written", `{"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":10,"cache_write_tokens":80},"output_tokens":20,"total_tokens":120}}`, Tokens{Input: 100, Output: 20, CacheRead: 10, CacheWrite: 80}},
	{"Gemini's OpenAI API, thoughts in the total only", `{"usage":{"prompt_tokens":20,"completion_tokens":198,"total_tokens":623}}`, Tokens{Input: 20, Output: 603, Reasoning: 405}},
	{"a relay of Gemini, thoughts only", `{"usage":{"completion_tokens":0,"total_tokens":81,"prompt_tokens":21,"completion_tokens_details":{"reasoning_tokens":60}}}`, Tokens{Input: 21, Output: 60, Reasoning: 60}},
	{"a relay of Gemini, responses", `{"usage":{"input_tokens":21,"output_tokens":9,"output_tokens_details":{"reasoning_tokens":60},"total_tokens":90}}`, Tokens{Input: 21, Output: 69, Reasoning: 60}},
	{"Perplexity", `{"usage":{"prompt_tokens":33,"completion_tokens":7395,"total_tokens":7428,"citation_tokens":20016,"reasoning_tokens":73995}}`, Tokens{Input: 33, Output: 81390, Reasoning: 73995}},
	{"messages stream, estimated first", "event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":1200,\"output_tokens\":0}}}\n\nevent: message_delta\ndata: {\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":997,\"output_tokens\":15}}\n\n", Tokens{Input: 1000, Output: 15, CacheRead: 997}},
	{"chat stream, zeros at the end", "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}}\n\ndata: [DONE]\n\n", Tokens{Input: 3, Output: 4}},
	{"chat stream, empty objects", "data: {\"choices\":[{\"delta\":{}}],\"usage\":{}}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n", Tokens{Input: 3, Output: 4}},
	{"zeros", `{"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}`, Tokens{}},
	{"Bedrock converse", `{"metrics":{"latencyMs":9},"output":{},"usage":{"cacheReadInputTokens":40,"cacheWriteInputTokens":5,"inputTokens":10,"outputTokens":20,"totalTokens":75}}`, Tokens{Input: 55, Output: 20, CacheRead: 40, CacheWrite: 5}},
	{"Gemini interactions", `{"usage":{"input_tokens_by_modality":[{"modality":"text","tokens":7}],"total_cached_tokens":2,"total_input_tokens":7,"total_output_tokens":20,"total_thought_tokens":22,"total_tokens":49,"total_tool_use_tokens":0}}`, Tokens{Input: 7, Output: 42, CacheRead: 2, Reasoning: 22}},
	{"names as values", `{"usage":{"a":"prompt_tokens","b":["completion_tokens",5],"prompt_tokens":null,"x":7}}`, Tokens{}},
	{"no usage", `{"usages":{"prompt_tokens":1},"usage_x":{"prompt_tokens":1},"usageMeta":{"prompt_tokens":1},"usage":[1],"a":"usage"}`, Tokens{}},
	{"cut off", `{"usage":{"prompt_tokens":12,"completion_tokens":3`, Tokens{}},
	{"a bare name at the end", `{"usage`, Tokens{}},
	{"names with the same prefix", `"usag"usage":{"prompt_tokens":3}`, Tokens{Input: 3}},
	{"after a name without an object", `"usage":"usage":{"prompt_tokens":3}`, Tokens{Input: 3}},
	{"an object that is too long", `{"usage":{"x":"` + strings.Repeat("x", 2*maxUsage) + `","prompt_tokens":3}}`, Tokens{}},
}

// tokensOf passes an answer in pieces whose memory is reused.
func tokensOf(f Format, h http.Header, all ...string) Tokens {
	var u Usage
	u.Begin(f, h)
	for _, p := range all {
		piece := []byte(p)
		u.Pass(piece)
		clear(piece)
	}
	return u.Tokens()
}

// TestUsageInPieces passes each answer whole, byte by byte, and in two and three pieces,
// split at every position.
func TestUsageInPieces(t *testing.T) {
	for _, a := range charged {
		check := func(how string, pieces ...string) {
			t.Helper()
			if got := tokensOf(Chat, http.Header{}, pieces...); got != a.want {
				t.Fatalf("%s, %s: %+v, want %+v", a.name, how, got, a.want)
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

func TestUsageOfOllama(t *testing.T) {
	const answer = `{"model":"m","message":{"role":"assistant","content":"\"eval_count\":77 {"},"done":false}` + "\n" +
		`{"model":"m","context":[1,2,3],"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":5,"prompt_eval_count":26,"prompt_eval_duration":9,"eval_count":298,"eval_duration":7}` + "\n"
	want := Tokens{Input: 26, Output: 298}
	for i := range answer {
		if got := tokensOf(OllamaChat, http.Header{}, answer[:i], answer[i:]); got != want {
			t.Fatalf("cut at %d: %+v", i, got)
		}
	}
	long := `{"response":"` + strings.Repeat("word ", 10000) + `","prompt_eval_count":1,"eval_count":2}`
	if got := tokensOf(OllamaChat, http.Header{}, long); (got != Tokens{Input: 1, Output: 2}) {
		t.Errorf("a long answer: %+v", got)
	}
	if got := tokensOf(Chat, http.Header{}, answer); (got != Tokens{}) {
		t.Errorf("as chat: %+v", got)
	}
}

func TestUsageIsReadFromCompressedAnswers(t *testing.T) {
	for _, coding := range codings {
		name := strings.TrimPrefix(coding, "raw ")
		for _, a := range charged {
			body := string(encode(t, coding, []byte(a.body)))
			h := http.Header{"Content-Encoding": {name}}
			if got := tokensOf(Chat, h, strings.SplitAfter(body, "\x00")...); got != a.want {
				t.Errorf("%s, %s: %+v, want %+v", coding, a.name, got, a.want)
			}
		}
		var u Usage
		u.Begin(Chat, http.Header{"Content-Encoding": {name}})
		if u.Pass(make([]byte, 2*maxCoded)); u.Deferred() || u.coded != nil {
			t.Errorf("%s: kept %d bytes", coding, len(u.coded))
		}
	}
	var u Usage
	u.Begin(Chat, http.Header{"Content-Encoding": {"rot13"}})
	if u.Pass([]byte("x")); u.Deferred() {
		t.Error("an unknown encoding is kept")
	}
}

func TestUsageAllocatesNothing(t *testing.T) {
	var u Usage
	for _, a := range charged {
		body := []byte(a.body)
		if n := testing.AllocsPerRun(20, func() {
			u.Begin(Chat, http.Header{})
			u.Pass(body[:len(body)/2])
			u.Pass(body[len(body)/2:])
			_ = u.Tokens()
		}); n > 0 {
			t.Errorf("%s: %v allocations", a.name, n)
		}
	}
}

func FuzzUsage(f *testing.F) {
	for _, a := range charged {
		f.Add([]byte(a.body), 10, false)
	}
	f.Fuzz(func(t *testing.T, body []byte, cut int, ollama bool) {
		format := Chat
		if ollama {
			format = OllamaChat
		}
		cut = min(max(cut, 0), len(body))
		whole := tokensOf(format, http.Header{}, string(body))
		parts := tokensOf(format, http.Header{}, string(body[:cut]), string(body[cut:]))
		if len(body) < maxUsage && whole != parts {
			t.Errorf("whole %+v; in two at %d %+v", whole, cut, parts)
		}
	})
}

// BenchmarkUsage uses typical answers, and some that are slow to read.
func BenchmarkUsage(b *testing.B) {
	for name, piece := range map[string]string{
		"answer of 1 KB":    `{"id":"x","choices":[{"message":{"content":"` + strings.Repeat("some words of an answer, with \\\"quotes\\\" ", 25) + `"}}],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}}`,
		"event of a stream": "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
		"crafted, names":    strings.Repeat(`"usage`, 5000),
		"crafted, objects":  strings.Repeat(`"usage":{`, 4000),
		"crafted, strings":  strings.Repeat(`"usage":{"`, 4000),
		"crafted, quotes":   strings.Repeat(`"u`, 16000),
	} {
		b.Run(name, func(b *testing.B) {
			data := []byte(piece)
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			var u Usage
			u.Begin(Chat, http.Header{})
			for b.Loop() {
				u.Pass(data)
			}
		})
	}
}

func ExampleUsage() {
	var u Usage
	u.Begin(Chat, http.Header{})
	u.Pass([]byte(`{"choices":[],"usage":{"prompt_tokens":12,`))
	u.Pass([]byte(`"completion_tokens":34}}`))
	fmt.Println(u.Tokens().Input, u.Tokens().Output)
	// Output: 12 34
}
