package dialect

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"
)

// Model is the model of a request, and where the request names it.
type Model struct {
	Name string

	place      place
	start, end int // of the name, in the escaped path, the query, or the body
}

// place is the part of a request that names its model.
type place uint8

const (
	nowhere place = iota
	inPath
	inQuery
	inJSON
	inForm    // multipart
	inURLForm // application/x-www-form-urlencoded
	inCoded   // JSON in a compressed body
)

// FindModel finds the model of a request, in its path, its query, or its body, of which b is
// the beginning, or all if whole.
func FindModel(r *http.Request, b []byte, whole bool) (Model, Found) {
	escaped := r.URL.EscapedPath()
	if start, end, ok := pathModel(escaped); ok {
		if name, err := url.PathUnescape(escaped[start:end]); err == nil {
			return Model{name, inPath, start, end}, Present
		}
	}
	if m, ok := queryModel(r.URL.Path, r.URL.RawQuery); ok {
		return m, Present
	}
	m, found := bodyModel(r.Header, b)
	if found == Incomplete && whole {
		found = Absent
	}
	return m, found
}

// PathModel returns the model in an escaped path, such as those of Gemini and Azure; "" if
// there is none.
func PathModel(escaped string) string {
	start, end, ok := pathModel(escaped)
	if !ok {
		return ""
	}
	name, err := url.PathUnescape(escaped[start:end])
	if err != nil {
		return ""
	}
	return name
}

// pathModel finds the model in /v1beta/models/NAME:generateContent, in
// /openai/deployments/NAME/chat/completions, /v1/engines/NAME/…, and in
// /model/NAME/invoke.
func pathModel(path string) (start, end int, ok bool) {
	if verb := geminiVerb(path); verb != "" {
		for _, before := range []string{"/models/", "/tunedModels/", "/endpoints/"} {
			if i := strings.LastIndex(path, before); i >= 0 {
				start, end = i+len(before), len(path)-len(verb)-1
				return start, end, start < end
			}
		}
		return 0, 0, false
	}
	if start, end, verb := bedrockModel(path); verb != "" {
		return start, end, true
	}
	for _, before := range []string{"/openai/deployments/", "/v1/engines/"} {
		if i := strings.Index(path, before); i >= 0 {
			start = i + len(before)
			n := strings.IndexByte(path[start:], '/')
			return start, start + max(n, 0), n > 0
		}
	}
	return 0, 0, false
}

// queryModel finds the model in the query of OpenAI's and Azure's realtime APIs.
func queryModel(path, query string) (Model, bool) {
	if query == "" || !strings.Contains(path, "/realtime") {
		return Model{}, false
	}
	at := 0
	for part := range queryParts(query) {
		at += len(part.separator)
		name, value, _ := strings.Cut(part.text, "=")
		if n := unescape(name); value != "" && (n == "model" || n == "deployment") {
			end := at + len(part.text)
			return Model{unescape(value), inQuery, end - len(value), end}, true
		}
		at += len(part.text)
	}
	return Model{}, false
}

// bodyModel finds the model in a body, by its content type. Other bodies are read as JSON.
func bodyModel(h http.Header, b []byte) (Model, Found) {
	if coding := Coding(h); coding != "" {
		return codedModel(coding, b)
	}
	contentType := first(h, "Content-Type")
	switch {
	case strings.HasPrefix(contentType, "multipart/form-data"):
		return formModel(contentType, b)
	case strings.HasPrefix(contentType, "application/x-www-form-urlencoded") && firstByte(b) != '{': // curl -d sends this type for JSON too
		return urlFormModel(b)
	}
	return jsonModel(b)
}

func jsonModel(b []byte) (Model, Found) {
	start, end, found := topLevel(b, "model")
	if found != Present {
		return Model{}, found
	}
	if b[start] != '"' {
		return Model{}, Absent
	}
	name := unquote(b[start:end])
	if name == "" {
		return Model{}, Absent
	}
	return Model{name, inJSON, start, end}, Present
}

// maxDecodedBody is how much of a compressed body is decoded to find its model.
const maxDecodedBody = 16 << 20

func codedModel(coding string, b []byte) (Model, Found) {
	if len(b) == 0 {
		return Model{}, Incomplete
	}
	plain, err := Decode(coding, b, maxDecodedBody)
	if len(plain) == 0 && err != nil {
		return Model{}, Incomplete
	}
	m, found := jsonModel(plain)
	m.place, m.start, m.end = inCoded, 0, 0
	return m, found
}

func urlFormModel(b []byte) (Model, Found) {
	at := 0
	for part := range queryParts(string(b)) {
		at += len(part.separator)
		end := at + len(part.text)
		name, value, _ := strings.Cut(part.text, "=")
		if unescape(name) == "model" && value != "" {
			return Model{unescape(value), inURLForm, end - len(value), end}, Present
		}
		at = end
	}
	return Model{}, Incomplete
}

func formModel(contentType string, b []byte) (Model, Found) {
	start, end, found := formField(contentType, b, "model")
	if found == Present && start == end {
		found = Absent
	}
	if found != Present {
		return Model{}, found
	}
	return Model{string(b[start:end]), inForm, start, end}, Present
}

func unquote(b []byte) string { return gjson.ParseBytes(b).Str }
