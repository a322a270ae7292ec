package dialect

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// encode compresses a body in one of the encodings.
func encode(t testing.TB, coding string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w interface {
		Write([]byte) (int, error)
		Close() error
	}
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	case "raw deflate":
		w, _ = flate.NewWriter(&out, 5)
	case "br":
		w = brotli.NewWriter(&out)
	case "zstd":
		w, _ = zstd.NewWriter(&out)
	default:
		return b
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const multipartForm = "preamble\r\n--BOUND\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\nID3\r\n--BOUN\r\n\r\nname=\"model\"\r\n" +
	"--BOUND\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--BOUND\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny\r\n--BOUND--\r\n"

func TestFindAndRenameModel(t *testing.T) {
	form := http.Header{"Content-Type": {"multipart/form-data; boundary=BOUND"}}
	for _, tt := range []struct {
		name   string
		target string // path, escaped, and query
		header http.Header
		body   string
		want   string
		after  string // target or body, with the model renamed to "b/c \"d\""; "": cannot
	}{
		{"JSON", "/v1/chat/completions", nil, `{"model":"gpt-4o","messages":[{"model":"inner"}]}`, "gpt-4o", `{"model":"b/c \"d\"","messages":[{"model":"inner"}]}`},
		{"JSON, spread and last", "/v1/chat/completions", nil, " {\n \"messages\" : [ {\"model\":\"x\"} ] ,\r\n\t\"model\" : \"gpt-4o\" }\n", "gpt-4o", " {\n \"messages\" : [ {\"model\":\"x\"} ] ,\r\n\t\"model\" : \"b/c \\\"d\\\"\" }\n"},
		{"JSON, escapes", "/v1/messages", nil, `{"mod\u0065l":"a\"\u0062\\"}`, `a"b\`, `{"mod\u0065l":"b/c \"d\""}`},
		{"JSON, all kinds of values before it", "/v1/x", nil, `{"a":1.5e3,"b":null,"c":true,"d":"\"model\":\"x\"","e":[],"f":{},"model":"m"}`, "m", `{"a":1.5e3,"b":null,"c":true,"d":"\"model\":\"x\"","e":[],"f":{},"model":"b/c \"d\""}`},
		{"no model", "/v1/x", nil, `{"models":"m","Model":"x"}`, "", ""},
		{"no name", "/v1/x", nil, `{"model":5}`, "", ""},
		{"an array", "/v1/x", nil, `[{"model":"m"}]`, "", ""},
		{"no body", "/v1/models", nil, "", "", ""},
		{"not JSON", "/v1/x", nil, `hello`, "", ""},
		{"multipart", "/v1/audio/transcriptions", form, multipartForm, "whisper-1", strings.Replace(multipartForm, "whisper-1", "b/c \"d\"", 1)},
		{"multipart, quoted boundary", "/v1/images/edits", http.Header{"Content-Type": {`multipart/form-data; boundary="BOUND"`}}, multipartForm, "whisper-1", strings.Replace(multipartForm, "whisper-1", "b/c \"d\"", 1)},
		{"form", "/v1/x", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "a=b&model=gpt%2D4o&c=d", "gpt-4o", "a=b&model=b%2Fc+%22d%22&c=d"},
		{"Gemini", "/v1beta/models/gemini-2.0-flash:generateContent?alt=sse", nil, `{"contents":[]}`, "gemini-2.0-flash", "/v1beta/models/b%2Fc%20%22d%22:generateContent?alt=sse"},
		{"Gemini, a slash in the name", "/v1beta/models/google%2Fgemini:streamGenerateContent", nil, `{"model":"x"}`, "google/gemini", "/v1beta/models/b%2Fc%20%22d%22:streamGenerateContent"},
		{"Gemini, a bare slash", "/v1beta/models/google/gemini:streamGenerateContent", nil, ``, "google/gemini", "/v1beta/models/b/c%20%22d%22:streamGenerateContent"},
		{"Gemini, a colon in the name", "/v1beta/models/gemini:free:generateContent", nil, ``, "gemini:free", "/v1beta/models/b%2Fc%20%22d%22:generateContent"},
		{"Gemini, tuned", "/v1beta/tunedModels/mine:generateContent", nil, ``, "mine", "/v1beta/tunedModels/b%2Fc%20%22d%22:generateContent"},
		{"Vertex", "/v1/projects/p/locations/l/publishers/google/models/g:generateContent", nil, ``, "g", "/v1/projects/p/locations/l/publishers/google/models/b%2Fc%20%22d%22:generateContent"},
		{"a model with a colon is not Gemini", "/v1/models/ft:gpt-4o-mini:acme::abc", nil, ``, "", ""},
		{"Azure", "/openai/deployments/gpt-4o/chat/completions?api-version=1", nil, `{"messages":[]}`, "gpt-4o", "/openai/deployments/b%2Fc%20%22d%22/chat/completions?api-version=1"},
		{"Azure, its list", "/openai/deployments/gpt-4o", nil, ``, "", ""},
		{"Bedrock", "/model/us.anthropic.claude-v1%3A0/invoke", nil, `{}`, "us.anthropic.claude-v1:0", "/model/b%2Fc%20%22d%22/invoke"},
		{"realtime", "/v1/realtime?x=1&model=gpt%2Drealtime&y=2", nil, ``, "gpt-realtime", "/v1/realtime?x=1&model=b%2Fc+%22d%22&y=2"},
		{"Azure's realtime", "/openai/realtime?api-version=1&deployment=d", nil, ``, "d", "/openai/realtime?api-version=1&deployment=b%2Fc+%22d%22"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := parsed(t, tt.target, tt.header)
			m, found := FindModel(r, []byte(tt.body), true)
			if m.Name != tt.want || (found == Present) != (tt.want != "") {
				t.Fatalf("%q, %d; want %q", m.Name, found, tt.want)
			}
			p := Parts{Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Body: []byte(tt.body), Whole: true}
			ok := m.Rename(&p, `b/c "d"`)
			if ok != (tt.after != "") {
				t.Fatalf("renamed: %v", ok)
			}
			if !ok {
				return
			}
			got := string(p.Body)
			if got == tt.body {
				if got = p.Path; p.Query != "" {
					got += "?" + p.Query
				}
			}
			if got != tt.after {
				t.Errorf("%s\nwant\n%s", got, tt.after)
			}
		})
	}
}

func TestPathModel(t *testing.T) {
	for path, want := range map[string]string{
		"/v1beta/models/g:generateContent": "g", "/v1beta/models/a%2Fb:generateContent": "a/b", "/v1/chat/completions": "",
		"/openai/deployments/d/embeddings": "d", "/v1beta/models/%zz:generateContent": "", "/v1beta/models/:generateContent": "",
	} {
		if got := PathModel(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func parsed(t testing.TB, target string, h http.Header) *http.Request {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	if h == nil {
		h = http.Header{}
	}
	return &http.Request{Method: http.MethodPost, URL: u, Header: h}
}

// TestModelInPartOfABody shows that the result is Incomplete until the model is certain, for
// every beginning of a body.
func TestModelInPartOfABody(t *testing.T) {
	prompt := strings.Repeat(`[{"role":"user","content":"say \"model\":\"x\" {["},`, 50) + "1" + strings.Repeat("]", 50)
	for _, tt := range []struct {
		contentType, body, want string
	}{
		{"application/json", `{"messages":` + prompt + `,"model":"gpt-4o","n":1}`, "gpt-4o"},
		{"", ` {"temperature":0.5,"model":"gpt-4o"}`, "gpt-4o"},
		{"application/json", `{"messages":[]}`, ""},
		{"multipart/form-data; boundary=BOUND", multipartForm, "whisper-1"},
	} {
		r := request("POST", "/v1/x", http.Header{"Content-Type": {tt.contentType}})
		seen := Incomplete
		for n := range len(tt.body) + 1 {
			m, found := FindModel(r, []byte(tt.body[:n]), false)
			switch {
			case found == Incomplete && seen != Incomplete:
				t.Fatalf("%.60q: found in less than %d bytes, but not in these", tt.body, n)
			case found == Present && m.Name != tt.want, found == Absent && tt.want != "":
				t.Fatalf("%.60q: %q, %d after %d bytes", tt.body, m.Name, found, n)
			}
			seen = found
		}
		if (seen == Present) != (tt.want != "") {
			t.Errorf("%.60q: %d at the end", tt.body, seen)
		}
	}
}

func TestModelInCompressedBodies(t *testing.T) {
	const body = `{"messages":[{"role":"user","content":"hi"}],"model":"gpt-4o"}`
	for _, coding := range []string{"gzip", "deflate", "raw deflate", "br", "zstd"} {
		name := strings.TrimPrefix(coding, "raw ")
		r := request("POST", "/v1/chat/completions", http.Header{"Content-Encoding": {name}, "Content-Type": {"application/json"}})
		coded := encode(t, coding, []byte(body))
		m, found := FindModel(r, coded, true)
		if m.Name != "gpt-4o" || found != Present {
			t.Errorf("%s: %q, %d", coding, m.Name, found)
			continue
		}
		p := Parts{Body: coded, Whole: true, Coding: name}
		if !m.Rename(&p, "o3") || p.Coding != "" || string(p.Body) != strings.Replace(body, "gpt-4o", "o3", 1) {
			t.Errorf("%s: renamed to %q (%q)", coding, p.Body, p.Coding)
		}
		p = Parts{Body: coded[:len(coded)/2], Coding: name}
		if m.Rename(&p, "o3") {
			t.Errorf("%s: renamed in an incomplete body", coding)
		}
		if _, found := FindModel(r, coded[:3], false); found != Incomplete {
			t.Errorf("%s: %d after 3 bytes", coding, found)
		}
	}
	r := request("POST", "/v1/chat/completions", http.Header{"Content-Encoding": {"rot13"}})
	if _, found := FindModel(r, []byte("x"), true); found != Absent {
		t.Error("an unknown encoding has a model")
	}
}

// TestRenameInPathAndBody uses Gemini's embedContent, which requires the same name in both.
func TestRenameInPathAndBody(t *testing.T) {
	r := parsed(t, "/v1beta/models/emb:embedContent", nil)
	m, _ := FindModel(r, nil, true)
	p := Parts{Path: r.URL.EscapedPath(), Body: []byte(`{"model":"models/emb","content":{}}`), Whole: true}
	if !m.Rename(&p, "other") || string(p.Body) != `{"model":"models/other","content":{}}` || p.Path != "/v1beta/models/other:embedContent" {
		t.Errorf("%s %s", p.Path, p.Body)
	}
}

// FuzzModel shows that the model of a JSON body is its top-level "model", and that renaming
// it changes only that value.
func FuzzModel(f *testing.F) {
	for _, s := range []string{
		`{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}`,
		` { "messages" : [{"model":"inner"}] , "model" : "o3" }`,
		`{"model":"a\"b\\cA\/","x":{"model":"no"},"n":1e3,"z":null}`,
		`{"a":"\"model\":\"x\"","model":"y"}`,
		`{"model":5}`, `{"model":null}`, `{"model":""}`, `{}`, `[]`, `"model"`, ``, `{"model":"a"`,
		`{"mod\u0065l":"a"}`, `{"model":"a","model":"b"}`, `{"Model":"a"}`, `{"model.x":"a","model":"b"}`, "{\"model\":\"\xff\"}",
	} {
		f.Add([]byte(s), "claude-\"sonnet\"\n<é>", 7)
	}
	f.Fuzz(func(t *testing.T, b []byte, to string, cut int) {
		r := request("POST", "/v1/chat/completions", nil)
		m, found := FindModel(r, b, true)
		p := Parts{Body: bytes.Clone(b), Whole: true}
		renamed := m.Rename(&p, to)
		if renamed != (found == Present) {
			t.Fatalf("%q: found %d, renamed %v", b, found, renamed)
		}
		var before map[string]any
		if json.Unmarshal(b, &before) != nil || repeats(b) || !utf8.Valid(b) || !utf8.ValidString(to) {
			return
		}
		want, _ := before["model"].(string)
		if m.Name != want {
			t.Fatalf("the model of %q is %q, not %q", b, want, m.Name)
		}
		if part, found := FindModel(r, b[:min(max(cut, 0), len(b))], false); found == Present && part.Name != want || found == Absent && want != "" {
			t.Fatalf("the model of the beginning of %q is %q, %d", b, part.Name, found)
		}
		if want == "" {
			return
		}
		before["model"] = to
		var after map[string]any
		if err := json.Unmarshal(p.Body, &after); err != nil {
			t.Fatalf("%q became %q: %v", b, p.Body, err)
		}
		if !reflect.DeepEqual(after, before) {
			t.Fatalf("%q became %q", b, p.Body)
		}
	})
}

// repeats reports whether an object has the top-level field "model" more than once, which
// JSON parsers handle differently.
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

func BenchmarkFindModel(b *testing.B) {
	r := request("POST", "/v1/chat/completions", http.Header{"Content-Type": {"application/json"}})
	message := `{"role":"user","content":"` + strings.Repeat("some words, \\\"quoted\\\"\\n ", 40) + `"},`
	for name, body := range map[string]string{
		"first":          `{"model":"gpt-4o","messages":[` + message + `{}]}`,
		"after 1 MiB":    `{"messages":[` + strings.Repeat(message, 1000) + `{}],"model":"gpt-4o"}`,
		"after an image": `{"messages":[{"url":"data:image/png;base64,` + strings.Repeat("QUJD", 1<<18) + `"}],"model":"gpt-4o"}`,
	} {
		b.Run(name, func(b *testing.B) {
			data := []byte(body)
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, found := FindModel(r, data, true); found != Present {
					b.Fatal("no model")
				}
			}
		})
	}
}
