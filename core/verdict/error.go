package verdict

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/aitunnel/aitunnel/core/dialect"
)

// failure is an answer that is not good, in its normal form.
type failure struct {
	status   int // 0 if the answer does not say
	code     string
	typ      string
	message  string
	codes    []string // all codes that the error carries, among them code and typ
	page     bool
	empty    bool
	redirect bool
	json     bool // an error in a JSON document was found

	doc          object   // the document that holds the error
	err          object   // the error in it; doc itself where the error is flat
	within       *failure // the error that the message contains as JSON; nil if it is a plain text
	header       http.Header
	body         []byte
	words        string    // the message as rules see it: in simplified characters
	lowered      string    // words in lower case
	grams        *trigrams // of lowered, made when a rule asks for it
	inner        object    // the fields of doc's "error", once a rule asked for one
	innerRead    bool
	loweredCodes []string
	plainCodes   []string // codes in the one form of plainCode
	text         string   // the body in lower case, made when a rule asks for it
}

// normalize brings an answer into its normal form; nil if it is good.
func normalize(a Answer) *failure {
	body := a.Body[:min(len(a.Body), MaxBody)]
	f := &failure{status: a.Status, header: a.Header, body: body, empty: a.Empty, redirect: a.Status >= 300 && a.Status < 400}
	f.page = isPage(a, body)
	if a.good() && !f.page && !f.empty && !a.Error && (!mayContainError(body) || a.Endpoint == dialect.Files && isStored(body)) {
		return nil
	}
	documents(body, func(doc gjson.Result) bool {
		f.json = f.read(doc, a.good() && !a.Error)
		return f.json
	})
	if a.good() && !f.json {
		documents(body, func(doc gjson.Result) bool {
			f.json = f.unfinished(doc)
			return f.json
		})
	}
	switch {
	case f.json && a.good():
		f.status = f.statusOfError()
	case f.json || f.page || f.empty:
	case a.Error:
		f.status = 0
	case a.good():
		return nil
	}
	if f.message == "" && !f.json {
		f.message = plainText(body, f.page)
		f.readXML()
	}
	if !a.good() {
		f.readHeader()
	}
	f.setMessage(clip(withoutEcho(f.message, f.status)))
	for _, c := range f.codes {
		f.loweredCodes = append(f.loweredCodes, string(asciiLower([]byte(c))))
		f.plainCodes = append(f.plainCodes, plainCode(c))
	}
	return f
}

// setMessage sets the message, also in the forms that rules use.
func (f *failure) setMessage(message string) {
	f.message, f.words = message, simplified(message)
	f.lowered = string(asciiLower([]byte(f.words)))
}

// mayContainError reports whether a good answer may contain an error: looking for a few
// names costs a tenth of parsing its JSON.
func mayContainError(body []byte) bool {
	for _, name := range []string{`rror`, `"success"`, `"base_resp"`, `ode"`, `msg"`, `"response.incomplete"`, `"fail`, `system_resource"`} {
		if bytes.Contains(body, []byte(name)) {
			return true
		}
	}
	return false
}

func (a Answer) good() bool { return a.Status >= 200 && a.Status < 300 }

// isPage reports whether an answer is an HTML page.
func isPage(a Answer, body []byte) bool {
	if a.Event || a.good() && (a.Endpoint == dialect.Files || a.Endpoint == dialect.Other || a.Endpoint == dialect.Account) {
		return false
	}
	media := strings.ToLower(a.Header.Get("Content-Type"))
	if strings.HasPrefix(media, "text/html") || strings.HasPrefix(media, "application/xhtml") {
		// Some gateways label JSON, and texts, as HTML.
		return !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) && (a.good() && !a.Error || bytes.IndexByte(body, '<') >= 0)
	}
	head := asciiLower(bytes.TrimSpace(body[:min(len(body), 256)]))
	for _, p := range []string{"<!doctype", "<html", "<head", "<title", "<body", "<center"} { // one firewall writes <!doctypehtml>
		if bytes.HasPrefix(head, []byte(p)) {
			return true
		}
	}
	return false
}

// read looks for an error in a document. In an answer with a good status, only
// unambiguous errors count.
func (f *failure) read(doc gjson.Result, good bool) bool {
	o := objectOf(doc)
	f.doc, f.err = o, o
	if f.nested() || f.flagged() || f.problem(good) || f.flat(good) { // the clearest signs first
		return true
	}
	f.doc, f.err = nil, nil
	return false
}

// fill reads an error object.
func (f *failure) fill(o object) {
	f.code = scalar(o.get(codeNames...))
	f.typ = scalar(o.get("type", "error_type", "__type"))
	if status := o.get("status"); f.typ == "" && status.Type == gjson.String && isWord(status.Str) {
		f.typ = status.Str // Google's
	}
	f.message = messageOf(o)
	f.codes = f.codes[:0]
	for _, c := range []string{f.code, f.typ, scalar(o.get("status")), scalar(o.get("reason"))} {
		f.codes = appendCode(f.codes, c)
	}
	for _, path := range codePaths {
		o.at(path, func(c string) bool { f.codes = appendCode(f.codes, c); return false })
	}
	f.unwrap()
}

// codePaths are the other places in an error where codes are found.
var codePaths = [][]string{
	{"innererror", "code"}, {"details", "*", "reason"}, {"errors", "*", "reason"}, {"metadata", "error_type"}, {"details", "error_code"},
}

func messageOf(o object) string {
	m := o.get(messageNames...)
	said := text(m)
	switch {
	case m.IsObject():
		said = messageOf(objectOf(m))
	case said == "":
		said = firstOf(innerMessage(o, 3), sentence(o.get("error")))
	}
	if title := scalar(o.get("title")); title != "" && title != said { // application/problem+json
		said = title + ": " + said
	}
	if raw := scalar(objectOf(o.get("metadata")).get("raw")); raw != "" { // OpenRouter: what the provider said
		said += "\n" + raw
	}
	return said
}

// sentence returns a text that is more than a code.
func sentence(v gjson.Result) string {
	if v.Type == gjson.String && !isWord(v.Str) {
		return v.Str
	}
	return ""
}

// text returns a message, or the first of several.
func text(v gjson.Result) string {
	if v.IsArray() {
		v = v.Get("0")
	}
	return scalar(v)
}

// innerMessage returns the first message in the objects below o: gateways wrap the
// errors of their upstream.
func innerMessage(o object, depth int) string {
	if depth == 0 {
		return ""
	}
	for _, f := range o {
		inner := objectOf(f.value)
		if text := scalar(inner.get(messageNames...)); text != "" {
			return text
		}
		if text := innerMessage(inner, depth-1); text != "" {
			return text
		}
	}
	return ""
}

// unwrap reads a message that is itself an error in JSON, as gateways pass on
// those of their upstream.
func (f *failure) unwrap() {
	text := strings.TrimSpace(f.message)
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") || !gjson.Valid(text) {
		return
	}
	inner := failure{}
	documents([]byte(text), func(doc gjson.Result) bool { return inner.read(doc, false) })
	if inner.message == "" && inner.code == "" {
		return
	}
	f.within = &inner
	if inner.within != nil {
		f.within = inner.within
	}
	f.message = inner.message
	f.code = firstOf(f.code, inner.code)
	f.typ = firstOf(f.typ, inner.typ)
	for _, c := range inner.codes {
		f.codes = appendCode(f.codes, c)
	}
}
