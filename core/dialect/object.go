package dialect

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// collections are the segments of paths after which an object's ID follows. A site stores
// such objects for one account, so that later requests for them need the same channel and
// key.
var collections = map[string]bool{
	"files": true, "batches": true, "uploads": true, "responses": true, "conversations": true, "videos": true,
	"vector_stores": true, "assistants": true, "threads": true, "containers": true, "evals": true, "skills": true,
	"jobs": true, "cachedContents": true, "operations": true, "tunedModels": true, "corpora": true, "fileSearchStores": true,
}

// idFields are the fields of a request's body that contain an object's ID.
var idFields = []struct{ field, collection string }{
	{"previous_response_id", "responses"},
	{"conversation", "conversations"},
	{"input_file_id", "files"},
	{"training_file", "files"},
	{"validation_file", "files"},
	{"thread_id", "threads"},
	{"assistant_id", "assistants"},
	{"cachedContent", ""}, // the ID includes the collection
}

// uploadParam is the query parameter with the ID of an upload to Gemini.
const uploadParam = "upload_id"

// NamedObjects returns the objects of earlier requests that a request names in its path, its
// query, or the beginning of its body. Each is "collection/ID".
func NamedObjects(r *http.Request, body []byte) []string {
	found := pathObjects(r.URL.Path)
	for part := range queryParts(r.URL.RawQuery) {
		if name, value, _ := strings.Cut(part.text, "="); unescape(name) == uploadParam && value != "" {
			found = append(found, "uploads/"+unescape(value))
		}
	}
	if Coding(r.Header) != "" || firstByte(body) != '{' {
		return found
	}
	eachField(body, func(name []byte, start, end int) bool {
		for _, n := range idFields {
			if isName(name, n.field) {
				v := gjson.ParseBytes(body[start:end])
				if v.IsObject() {
					v = v.Get("id")
				}
				if v.Type == gjson.String && v.Str != "" {
					found = appendObject(found, n.collection, v.Str)
				}
			}
		}
		return true
	})
	return appendFiles(found, body)
}

// pathObjects returns the objects in a path, the innermost last.
func pathObjects(path string) []string {
	if verb := geminiVerb(path); verb != "" {
		path = strings.TrimSuffix(path, ":"+verb)
	}
	var found []string
	segment, rest, _ := strings.Cut(strings.Trim(path, "/"), "/")
	for rest != "" {
		next, after, _ := strings.Cut(rest, "/")
		if collections[segment] && !collections[next] && !isAction(next) {
			found = appendObject(found, segment, next)
		}
		segment, rest = next, after
	}
	return found
}

// isAction reports whether a segment is a word instead of an ID.
func isAction(segment string) bool {
	return segment == "compact" || segment == "input_tokens"
}

// appendObject adds an object, without duplicates. Gemini's IDs include the collection.
func appendObject(found []string, collection, id string) []string {
	if collection != "" && !strings.HasPrefix(id, collection+"/") {
		id = collection + "/" + id
	}
	if slices.Contains(found, id) {
		return found
	}
	return append(found, id)
}

// maxObjects is how many files of one request are searched for.
const maxObjects = 8

// fileMarks are the fields with files inside a prompt, each with the index of its rarest
// byte: prompts are long, and a search for one byte is the fastest.
var fileMarks = []struct {
	mark string
	rare int
}{{`"file_id"`, 5}, {`"fileUri"`, 5}, {`"file_uri"`, 5}}

// afterMark returns the index after the mark, -1 if b does not contain it.
func afterMark(b []byte, mark string, rare int) int {
	for from := rare; from < len(b); from++ {
		i := bytes.IndexByte(b[from:], mark[rare])
		if i < 0 {
			break
		}
		from += i
		if start := from - rare; len(b)-start >= len(mark) && string(b[start:start+len(mark)]) == mark {
			return start + len(mark)
		}
	}
	return -1
}

// appendFiles adds the files in the parts of a prompt.
func appendFiles(found []string, body []byte) []string {
	for _, m := range fileMarks {
		for rest := body; len(found) < maxObjects; {
			i := afterMark(rest, m.mark, m.rare)
			if i < 0 {
				break
			}
			rest = rest[i:]
			at := skipBlank(rest, 0)
			if at == len(rest) || rest[at] != ':' {
				continue
			}
			if at = skipBlank(rest, at+1); at == len(rest) || rest[at] != '"' {
				continue
			}
			end, ok := skipString(rest, at)
			if !ok {
				break
			}
			if id := fileID(unquote(rest[at:end])); id != "" {
				found = appendObject(found, "files", id)
			}
			rest = rest[end:]
		}
	}
	return found
}

// fileID returns the ID of a file, given its ID or its URL at Google; "" for another URL.
func fileID(name string) string {
	if !strings.Contains(name, "://") {
		return name
	}
	if _, id, ok := strings.Cut(name, "/files/"); ok && strings.Contains(name, "generativelanguage") {
		return id
	}
	return ""
}

// CreatedObjects returns the objects that were created according to an answer to a request
// with this path: to its header, and to a document or the first event of a stream.
func CreatedObjects(path string, h http.Header, data []byte) []string {
	var found []string
	if upload := first(h, "X-Goog-Upload-Url"); upload != "" {
		if u, err := url.Parse(upload); err == nil && u.Query().Get(uploadParam) != "" {
			found = append(found, "uploads/"+u.Query().Get(uploadParam))
		}
	}
	if firstByte(data) != '{' {
		return found
	}
	root := gjson.ParseBytes(data)
	if id := root.Get("response.id"); id.Type == gjson.String && strings.HasPrefix(root.Get("type").Str, "response.") {
		return appendObject(found, "responses", id.Str)
	}
	if collection := lastCollection(path); collection != "" && root.Get("id").Type == gjson.String {
		found = appendObject(found, collection, root.Get("id").Str)
	}
	for _, field := range []string{"file.id", "output_file_id", "error_file_id", "result_files.0"} {
		if v := root.Get(field); v.Type == gjson.String && v.Str != "" {
			found = appendObject(found, "files", v.Str)
		}
	}
	for _, field := range []string{"name", "file.name", "response.name"} {
		if v := root.Get(field); v.Type == gjson.String && isObjectName(v.Str) {
			found = append(found, v.Str)
		}
	}
	return found
}

// lastCollection returns the last collection in a path.
func lastCollection(path string) string {
	last := ""
	for segment := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if collections[segment] {
			last = segment
		}
	}
	return last
}

// isObjectName recognizes Gemini's names, such as "files/abc".
func isObjectName(name string) bool {
	collection, id, _ := strings.Cut(name, "/")
	return collections[collection] && id != ""
}
