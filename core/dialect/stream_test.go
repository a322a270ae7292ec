package dialect

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// seen is an event with a copy of its data.
type seen struct {
	Kind     Kind
	Name     string
	Data     string
	Cut      bool
	Finished bool
	end      int // position in the answer
}

// follow passes an answer to the stream in pieces of n bytes.
func follow(s *Stream, answer string, n int) []seen {
	var events []seen
	at := 0
	note := func(e Event) {
		events = append(events, seen{e.Kind, string(e.Name), string(e.Data), e.Cut, e.Finished, at})
	}
	for piece := range pieces(answer, n) {
		b := []byte(piece) // a copy, which is overwritten below
		for left := b; len(left) > 0; {
			e, n, ok := s.Next(left)
			at += n
			if !ok {
				break
			}
			note(e)
			left = left[n:]
		}
		clear(b)
	}
	if e, ok := s.End(); ok {
		note(e)
	}
	return events
}

func pieces(s string, n int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for len(s) > 0 {
			end := min(n, len(s))
			if !yield(s[:end]) {
				return
			}
			s = s[end:]
		}
	}
}

// meaning returns the events in words, without positions, and without empty keep-alives
// and preambles.
func meaning(events []seen) string {
	var b strings.Builder
	for _, e := range events {
		if e.Kind == KeepAlive && e.Data == "" || e.Kind == Preamble && e.Data == "" && e.Name == "" {
			continue
		}
		fmt.Fprintf(&b, "%s %q %q cut=%v finished=%v\n", e.Kind, e.Name, e.Data, e.Cut, e.Finished)
	}
	return b.String()
}

const chatStream = ": OPENROUTER PROCESSING\n\n" +
	"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n" +
	"data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n" +
	"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n" +
	"data: [DONE]\n\n"

func TestLineEndings(t *testing.T) {
	for name, answer := range map[string]string{
		"LF":           chatStream,
		"CRLF":         strings.ReplaceAll(chatStream, "\n", "\r\n"),
		"CR":           strings.ReplaceAll(chatStream, "\n", "\r"),
		"LF then CRLF": strings.ReplaceAll(chatStream, "\n\n", "\n\r\n"),
		"CRLF then LF": strings.ReplaceAll(chatStream, "\n\n", "\r\n\n"),
		"CRLF then CR": strings.ReplaceAll(chatStream, "\n\n", "\r\n\r"),
		"CR then LF":   strings.ReplaceAll(chatStream, "\n\n", "\r\r\n"),
		"BOM":          "\xef\xbb\xbf" + chatStream,
	} {
		for size := range len(answer) {
			var s Stream
			s.Begin(Chat, http.Header{"Content-Type": {"text/event-stream"}})
			var kinds []Kind
			for _, e := range follow(&s, answer, size+1) {
				if e.Kind != KeepAlive {
					kinds = append(kinds, e.Kind)
				}
			}
			if !slices.Equal(kinds, []Kind{Preamble, Content, SoftEnd, HardEnd}) {
				t.Fatalf("%s in pieces of %d: %v", name, size+1, kinds)
			}
			if !s.Between() || !s.Ended || s.Empty() {
				t.Fatalf("%s in pieces of %d: between %v, ended %v, empty %v", name, size+1, s.Between(), s.Ended, s.Empty())
			}
		}
	}
}

// TestEventsAreNotDelayed shows that an event is returned with its last byte, for every
// line ending, not when the next one begins.
func TestEventsAreNotDelayed(t *testing.T) {
	for _, ending := range []string{"\n", "\r\n", "\r"} {
		var s Stream
		s.Begin(Chat, http.Header{"Content-Type": {"text/event-stream"}})
		for range 3 {
			e, n, ok := s.Next([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}" + ending + ending))
			if !ok || e.Kind != Content || !s.Between() {
				t.Errorf("%q: %v %q after %d bytes", ending, ok, e.Kind, n)
			}
		}
		e, n, ok := s.Next([]byte(": ping" + ending))
		if !ok || e.Kind != KeepAlive || n != len(": ping"+ending) {
			t.Errorf("%q: a comment is %v %q after %d bytes", ending, ok, e.Kind, n)
		}
		if _, _, ok := s.Next([]byte("data: {")); ok || s.Between() {
			t.Errorf("%q: an incomplete event is wrong", ending)
		}
	}
}

func TestDataInSeveralLines(t *testing.T) {
	var s Stream
	s.Begin(Chat, http.Header{"Content-Type": {"text/event-stream"}})
	got := follow(&s, "event: x\ndata: {\"a\":\ndata:1}\nid: 7\n: comment\ndata\n\n", 1000)
	if len(got) != 1 || got[0].Data != "{\"a\":\n1}\n" || got[0].Name != "x" {
		t.Errorf("%+v", got)
	}
}

func TestEndWithoutBlankLine(t *testing.T) {
	for _, tail := range []string{"data: [DONE]", "data: [DONE]\n", "data: [DONE]\r"} {
		var s Stream
		s.Begin(Chat, http.Header{"Content-Type": {"text/event-stream"}})
		if got := follow(&s, "data: {\"choices\":[]}\n\n"+tail, 7); got[len(got)-1].Kind != HardEnd {
			t.Errorf("%q: %+v", tail, got)
		}
	}
}

func TestStreamsThatAreEmpty(t *testing.T) {
	for _, answer := range []string{
		"data: [DONE]\n\n", ": ping\n\n: ping\n\n", "", "\n\n\n", "event: ping\ndata: {\"type\": \"ping\"}\n\n",
		"data: {\"choices\":[]}\n\ndata: [DONE]\n\n",
		"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n",
	} {
		for _, f := range []Format{Chat, Messages} {
			var s Stream
			s.Begin(f, http.Header{"Content-Type": {"text/event-stream"}})
			if follow(&s, answer, 5); !s.Empty() && !strings.Contains(answer, "ping\"") {
				t.Errorf("%s: %q is not empty", f, answer)
			}
		}
	}
	var s Stream
	s.Begin(Messages, http.Header{"Content-Type": {"text/event-stream"}})
	follow(&s, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"output_tokens\":1}}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", 9)
	if !s.Empty() {
		t.Error("a message that only starts and stops is not empty")
	}
	s.Begin(Messages, http.Header{"Content-Type": {"text/event-stream"}})
	follow(&s, "data: {\"type\":\"message_start\"}\n\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n", 9)
	if s.Empty() {
		t.Error("an empty end_turn is empty")
	}
	s.Begin(GenerateContent, http.Header{"Content-Type": {"text/event-stream"}})
	follow(&s, "data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n", 9)
	if s.Empty() || s.Started {
		t.Error("a STOP without parts is content, or the answer is empty")
	}
}

func TestAStreamThatIsAnArray(t *testing.T) {
	const answer = "[{\n  \"candidates\": [{\"content\": {\"role\": \"model\"}}]\n}\n,\r\n{\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"a ] } \\\" [ {\"}]}}]}\n, {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n]\n"
	for size := 1; size <= len(answer); size++ {
		var s Stream
		s.Begin(GenerateContent, http.Header{"Content-Type": {"application/json; charset=UTF-8"}})
		got := meaning(follow(&s, answer, size))
		want := "preamble \"\" \"{\\n  \\\"candidates\\\": [{\\\"content\\\": {\\\"role\\\": \\\"model\\\"}}]\\n}\" cut=false finished=false\n" +
			"content \"\" \"{\\\"candidates\\\": [{\\\"content\\\": {\\\"parts\\\": [{\\\"text\\\": \\\"a ] } \\\\\\\" [ {\\\"}]}}]}\" cut=false finished=false\n" +
			"preamble \"\" \"{\\\"candidates\\\":[{\\\"finishReason\\\":\\\"STOP\\\"}]}\" cut=false finished=true\n" +
			"hard end \"\" \"\" cut=false finished=false\n"
		if got != want {
			t.Fatalf("in pieces of %d:\n%s\nwant\n%s", size, got, want)
		}
		if !s.Ended || s.Empty() || s.Framing() != Array {
			t.Fatalf("in pieces of %d: ended %v, empty %v, %s", size, s.Ended, s.Empty(), s.Framing())
		}
	}
	var s Stream
	s.Begin(GenerateContent, http.Header{"Content-Type": {"application/json"}})
	if got := follow(&s, `[{"error":{"code":503,"status":"UNAVAILABLE"}}]`, 4); got[1].Kind != Error || !s.Empty() {
		t.Errorf("%+v", got)
	}
	s.Begin(GenerateContent, http.Header{"Content-Type": {"application/json"}})
	if follow(&s, `[]`, 1); !s.Empty() || !s.Ended {
		t.Error("an empty array is not empty, or has no end")
	}
}

func TestMislabelledStreams(t *testing.T) {
	for _, contentType := range []string{"", "text/plain; charset=utf-8", "application/json", "text/html"} {
		for size := 1; size < 30; size++ {
			var s Stream
			s.Begin(Chat, http.Header{"Content-Type": {contentType}})
			got := meaning(follow(&s, chatStream, size))
			if !strings.Contains(got, "soft end") || s.Framing() != SSE {
				t.Fatalf("%q in pieces of %d: %s, %s", contentType, size, s.Framing(), got)
			}
		}
	}
}

// TestLongEventsAreCut shows that no event takes more memory than MaxEvent, and that the
// next event is found.
func TestLongEventsAreCut(t *testing.T) {
	long := strings.Repeat("x", 3*MaxEvent)
	for name, tt := range map[string]struct {
		format      Format
		contentType string
		answer      string
		want        []Kind
	}{
		"sse":      {Responses, "text/event-stream", "data: {\"type\":\"response.created\",\"x\":\"" + long + "\"}\n\ndata: {\"type\":\"response.completed\",\"response\":{\"output\":[\"" + long + "\"]}}\n\n", []Kind{Preamble, HardEnd}},
		"ndjson":   {OllamaChat, "application/x-ndjson", `{"message":{"content":"` + long + "\"}}\n{\"done\":true}\n", []Kind{Content, HardEnd}},
		"array":    {GenerateContent, "application/json", `[{"candidates":[{"content":{"parts":[{"text":"` + long + `"}]}}]},{"candidates":[{"finishReason":"SAFETY"}]}]`, []Kind{Preamble, Content, SoftEnd, HardEnd}},
		"document": {Chat, "application/json", `{"choices":[{"message":{"content":"` + long + `"}}]}`, []Kind{Content}},
		"page":     {Chat, "text/html", "<html>" + long, []Kind{Page}},
	} {
		for _, size := range []int{1000, 1 << 20} {
			var s Stream
			s.Begin(tt.format, http.Header{"Content-Type": {tt.contentType}})
			var kinds []Kind
			for _, e := range follow(&s, tt.answer, size) {
				if len(e.Data) > MaxEvent {
					t.Errorf("%s in pieces of %d: an event of %d bytes", name, size, len(e.Data))
				}
				if e.Kind != KeepAlive && (len(kinds) == 0 || kinds[len(kinds)-1] != e.Kind) {
					kinds = append(kinds, e.Kind)
				}
			}
			if name == "page" {
				kinds = kinds[:1]
			}
			if !slices.Equal(kinds, tt.want) {
				t.Errorf("%s in pieces of %d: %v, want %v", name, size, kinds, tt.want)
			}
		}
	}
}

// TestStreamKeepsLittle shows that large buffers are freed after an event.
func TestStreamKeepsLittle(t *testing.T) {
	var s Stream
	s.Begin(Chat, http.Header{"Content-Type": {"text/event-stream"}})
	follow(&s, "data: {\"x\":\""+strings.Repeat("x", 60<<10)+"\"}\n\n", 1000)
	_, _, _ = s.Next([]byte(": ping\n"))
	if n := cap(s.sse.line) + cap(s.sse.data) + cap(s.keep); n > 2*maxKept {
		t.Errorf("%d bytes are kept", n)
	}
}

// FuzzFraming shows that an answer in pieces of any size has the same events, that their
// ends are in order, and that no byte is lost.
func FuzzFraming(f *testing.F) {
	types := []string{"text/event-stream", "application/x-ndjson", "application/json", "audio/mpeg", "text/html", ""}
	formats := []Format{Chat, Responses, Completions, Messages, GenerateContent, OllamaChat, Media, Plain}
	for i, s := range []string{
		chatStream, strings.ReplaceAll(chatStream, "\n", "\r"), strings.ReplaceAll(chatStream, "\n", "\r\n"), "\xef\xbb\xbfdata: 1\n\r\ndata: 2\r\r\r\n",
		"{\"done\":false}\n{\"done\":true}", `[{"error":{}},{"a":"]"}]`, `{"choices":[]} `, "<!doctype html>", "<x", "event", "data", ":", "\n\n\n", "id: 1\n\nretry", `{"a":"\\\""}x`, "data\n\ndata:\n\n",
	} {
		for j := range types {
			f.Add([]byte(s), uint8(i%8), uint8(j), 3)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, format, contentType uint8, cut int) {
		h := http.Header{"Content-Type": {types[int(contentType)%len(types)]}}
		var whole, parts Stream
		whole.Begin(formats[int(format)%len(formats)], h)
		parts.Begin(formats[int(format)%len(formats)], h)
		one := follow(&whole, string(b), len(b)+1)
		two := follow(&parts, string(b), max(cut%(len(b)+1), 1))
		if whole.Framing() != SSE && whole.Framing() != NDJSON {
			// For binary data, and for data after a document or in a broken array, each piece
			// is an event.
			one, two = merged(one), merged(two)
		}
		if a, b := meaning(one), meaning(two); a != b {
			t.Fatalf("%s, whole:\n%s\nin pieces:\n%s", whole.Framing(), a, b)
		}
		if whole.Empty() != parts.Empty() || whole.Ended != parts.Ended || whole.Framing() != parts.Framing() {
			t.Fatal("the end differs")
		}
		last := 0
		for _, e := range two {
			if e.end < last || e.end > len(b) {
				t.Fatalf("an event ends after %d bytes of %d, the one before it after %d", e.end, len(b), last)
			}
			last = e.end
		}
	})
}

// merged removes empty keep-alives, and empty events of the same kind as the previous one.
func merged(events []seen) []seen {
	var kept []seen
	for _, e := range events {
		if e.Kind == KeepAlive && e.Data == "" || len(kept) > 0 && kept[len(kept)-1].Kind == e.Kind && e.Data == "" {
			continue
		}
		kept = append(kept, e)
	}
	return kept
}

func BenchmarkStream(b *testing.B) {
	for _, bb := range []struct {
		name        string
		format      Format
		contentType string
		event       string
	}{
		{"chat", Chat, "text/event-stream", "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n"},
		{"anthropic", Messages, "text/event-stream", "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"word\"}}\n\n"},
		{"responses", Responses, "text/event-stream", "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"word\",\"sequence_number\":9}\n\n"},
		{"gemini", GenerateContent, "text/event-stream", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"word\"}],\"role\":\"model\"},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":5,\"totalTokenCount\":9},\"modelVersion\":\"g\"}\r\n\r\n"},
		{"array", GenerateContent, "application/json", ",\r\n{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"word\"}],\"role\":\"model\"},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":5,\"totalTokenCount\":9},\"modelVersion\":\"g\"}"},
		{"ollama", OllamaChat, "application/x-ndjson", "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",\"content\":\"word\"},\"done\":false}\n"},
		{"CR only, many lines", Chat, "text/event-stream", strings.Repeat("x\r", 5000) + "\r"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var s Stream
			s.Begin(bb.format, http.Header{"Content-Type": {bb.contentType}})
			if bb.contentType == "application/json" {
				_, _, _ = s.Next([]byte("["))
			}
			event := bytes.Repeat([]byte(bb.event), 1)
			b.ReportAllocs()
			b.SetBytes(int64(len(event)))
			for b.Loop() {
				if _, _, ok := s.Next(event); !ok {
					b.Fatal("no event")
				}
			}
		})
	}
}

func TestStreamAllocatesNothingForContent(t *testing.T) {
	for _, tt := range []struct {
		format      Format
		contentType string
		event       string
	}{
		{Chat, "text/event-stream", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word\"},\"finish_reason\":null}]}\n\n"},
		{Messages, "text/event-stream", "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"word\"}}\n\n"},
		{Responses, "text/event-stream", "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"word\"}\n\n"},
		{GenerateContent, "text/event-stream", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"word\"}]}}]}\r\n\r\n"},
		{OllamaChat, "application/x-ndjson", "{\"message\":{\"role\":\"assistant\",\"content\":\"word\"},\"done\":false}\n"},
	} {
		var s Stream
		s.Begin(tt.format, http.Header{"Content-Type": {tt.contentType}})
		event := []byte(tt.event)
		half := len(event) / 2
		if n := testing.AllocsPerRun(100, func() {
			_, _, _ = s.Next(event)
			_, _, _ = s.Next(event[:half])
			_, _, _ = s.Next(event[half:])
		}); n > 0 {
			t.Errorf("%s: %v allocations for two events", tt.format, n)
		}
	}
}
