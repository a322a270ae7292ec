package proxy

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/route"
)

// rewrite is the body as it is sent to a channel that calls the model to. whole
// says that all of it is in memory.
func rewrite(b []byte, from, to string, whole bool) []byte {
	x := &exchange{
		in:     &http.Request{URL: mustParse("/v1/chat/completions")},
		body:   body{head: b, length: int64(len(b))},
		record: &event.Request{Model: from},
		pick:   route.Pick{Channel: &route.Channel{Config: &config.Channel{ModelMap: map[string]string{from: to}}}},
	}
	if !whole {
		x.body.rest = bytes.NewReader(nil)
	}
	return x.mapped()
}

// FuzzModelPeek: whatever is found as the model of a JSON body is its top-level
// "model", and rewriting it leaves JSON in which that value alone has changed.
func FuzzModelPeek(f *testing.F) {
	for _, s := range []string{
		`{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}`,
		` { "messages" : [{"model":"inner"}] , "model" : "o3" }`,
		`{"model":"a\"b\\cA\/","x":{"model":"no"},"n":1e3,"z":null}`,
		`{"a":"\"model\":\"x\"","model":"y"}`,
		`{"model":5}`, `{"model":null}`, `{"model":""}`, `{}`, `[]`, `"model"`, ``, `{"model":"a"`,
		`{"mod\u0065l":"a"}`, `{"model":"a","model":"b"}`, `{"Model":"a"}`, `{"model.x":"a","model":"b"}`, "{\"model\":\"\xff\"}",
	} {
		f.Add([]byte(s), "claude-\"sonnet\"\n<é>")
	}
	f.Fuzz(func(t *testing.T, b []byte, to string) {
		from := modelOf("/v1/chat/completions", b)
		var before map[string]any
		if json.Unmarshal(b, &before) != nil || repeats(b) || !utf8.Valid(b) || !utf8.ValidString(to) {
			if from != "" {
				rewrite(b, from, to, true) // must not panic
				rewrite(b, from, to, false)
			}
			return
		}
		want, _ := before["model"].(string)
		if from != want {
			t.Fatalf("the model of %q is %q, not %q", b, want, from)
		}
		if from == "" || from == to {
			return
		}
		before["model"] = to
		for _, whole := range []bool{true, false} {
			out := rewrite(b, from, to, whole)
			var after map[string]any
			if err := json.Unmarshal(out, &after); err != nil {
				t.Fatalf("%q became %q: %v", b, out, err)
			}
			if !reflect.DeepEqual(after, before) {
				t.Fatalf("%q became %q (all in memory: %v)", b, out, whole)
			}
		}
	})
}

// repeats says that "model" stands in an object more than once at its top
// level, of which readers of JSON make different things.
func repeats(b []byte) bool {
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return false
	}
	n := 0
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return false
		}
		if name == "model" {
			n++
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return false
		}
	}
	return n > 1
}

// FuzzRetryAfter: no header or body makes a rest negative or longer than a year.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{
		"0", "-1", "30", "1.5", "-1e300", "NaN", "6m0s", "20ms", "-5s", "1764000000", "1764000000000",
		"2025-11-25T16:00:00Z", "Tue, 25 Nov 2025 16:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "",
	} {
		f.Add(s, int64(1764000000))
	}
	f.Fuzz(func(t *testing.T, v string, at int64) {
		now := time.Unix(at%(1<<33), 0)
		body, err := json.Marshal(map[string]any{"error": map[string]any{"details": []any{map[string]any{"retryDelay": v}}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range []http.Header{
			{"Retry-After": {v}}, {"Retry-After-Ms": {v}},
			{"X-Ratelimit-Reset-Requests": {v}, "X-Ratelimit-Remaining-Requests": {"0"}},
			{"Anthropic-Ratelimit-Tokens-Reset": {v}}, {},
		} {
			if d := restOf(h, body, now); d < 0 || d > 365*24*time.Hour {
				t.Errorf("%q at %s: a rest of %s by %v", v, now.UTC(), d, h)
			}
		}
	})
}

// FuzzFirstEvent: what is taken for the first event has data and a blank line
// after it, nothing but events without data stands before it, and it is the
// same however much more has arrived.
func FuzzFirstEvent(f *testing.F) {
	for _, s := range []string{
		"data: {}\n\n", ": ping\n\ndata: 1\n\ndata: 2\n\n", "event: a\r\ndata: 1\r\n\r\n", "data: 1\n", "\n\n\n\ndata\n\n", "\r\n\r\n", "data:\n\r\n\ndata: 2\n\n", "id: 1\n\nx", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e := firstEvent(b)
		_ = eventData(b)
		if e == nil {
			return
		}
		at := bytes.Index(b, e)
		end := at + len(e)
		if rest := b[end:]; !bytes.HasPrefix(rest, []byte("\n\n")) && !bytes.HasPrefix(rest, []byte("\r\n\r\n")) {
			t.Fatalf("%q of %q is not ended by a blank line", e, b)
		}
		if !bytes.Contains(e, []byte("data")) {
			t.Fatalf("%q of %q has no data", e, b)
		}
		if again := firstEvent(append(bytes.Clone(b), "\n\ndata: more\n\n"...)); !bytes.Equal(again, e) {
			t.Fatalf("the first event is %q, and %q when more has come", e, again)
		}
		if firstEvent(b[:end]) != nil && !bytes.Contains(e, []byte("\n\n")) && !bytes.Contains(e, []byte("\r\n\r\n")) {
			t.Fatalf("%q is an event before its blank line came", b[:end])
		}
	})
}
