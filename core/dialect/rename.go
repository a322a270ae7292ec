package dialect

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// Parts are the parts of a request that may name its model.
type Parts struct {
	Path   string // escaped
	Query  string
	Body   []byte // the part that is in memory
	Whole  bool   // Body is complete
	Coding string // Content-Encoding of the body
}

// Rename replaces the name of the model, and changes nothing else. It returns false if it
// cannot: in a compressed body that is incomplete or cannot be decoded. A changed body is
// a copy, which is not compressed.
func (m Model) Rename(p *Parts, to string) bool {
	switch m.place {
	case inPath:
		p.Path = p.Path[:m.start] + escapeSegment(to, strings.Contains(p.Path[m.start:m.end], "/")) + p.Path[m.end:]
		m.renameCopy(p, to)
	case inQuery:
		p.Query = p.Query[:m.start] + url.QueryEscape(to) + p.Query[m.end:]
	case inJSON:
		p.Body = splice(p.Body, m.start, m.end, gjson.AppendJSONString(nil, to))
	case inForm:
		if strings.ContainsAny(to, "\r\n") {
			return false
		}
		p.Body = splice(p.Body, m.start, m.end, []byte(to))
	case inURLForm:
		p.Body = splice(p.Body, m.start, m.end, []byte(url.QueryEscape(to)))
	case inCoded:
		return renameCoded(p, to)
	default:
		return false
	}
	return true
}

func splice(b []byte, start, end int, with []byte) []byte {
	return slices.Concat(b[:start], with, b[end:])
}

// escapeSegment escapes a name for a path, except its slashes if slashes is set.
func escapeSegment(name string, slashes bool) string {
	name = url.PathEscape(name)
	if slashes {
		name = strings.ReplaceAll(name, "%2F", "/")
	}
	return strings.ReplaceAll(name, "%3A", ":")
}

// renameCopy changes the model in the body if it repeats that in the path, as in Gemini's
// embedContent: the site rejects different names.
func (m Model) renameCopy(p *Parts, to string) {
	if p.Coding != "" || !bytes.Contains(p.Body, []byte(`"models/`)) {
		return
	}
	from, with := gjson.AppendJSONString(nil, "models/"+m.Name), gjson.AppendJSONString(nil, "models/"+to)
	if start, end, found := topLevel(p.Body, "model"); found == Present && bytes.Equal(p.Body[start:end], from) {
		p.Body = splice(p.Body, start, end, with)
	}
}

func renameCoded(p *Parts, to string) bool {
	if !p.Whole {
		return false
	}
	plain, err := Decode(p.Coding, p.Body, maxDecodedBody)
	if err != nil {
		return false
	}
	start, end, found := topLevel(plain, "model")
	if found != Present {
		return false
	}
	p.Body, p.Coding = splice(plain, start, end, gjson.AppendJSONString(nil, to)), ""
	return true
}
