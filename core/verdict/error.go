package verdict

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

func itoa(n int) string { return strconv.Itoa(n) }

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
	within       *failure // the error that the message is, if it is one
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
	if a.good() && !f.page && !f.empty && !a.Error && (!mayHoldError(body) || a.Endpoint == Files && isStored(body)) {
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
	f.say(clip(withoutEcho(f.message, f.status)))
	for _, c := range f.codes {
		f.loweredCodes = append(f.loweredCodes, string(asciiLower([]byte(c))))
		f.plainCodes = append(f.plainCodes, plainCode(c))
	}
	return f
}

// say sets the message, and its forms for rules.
func (f *failure) say(message string) {
	f.message, f.words = message, simplified(message)
	f.lowered = string(asciiLower([]byte(f.words)))
}

// mayHoldError reports whether a good answer is worth a closer look: looking for a
// few names costs a tenth of reading its JSON.
func mayHoldError(body []byte) bool {
	for _, name := range []string{`rror`, `"success"`, `"base_resp"`, `ode"`, `msg"`, `"response.incomplete"`, `"fail`, `system_resource"`} {
		if bytes.Contains(body, []byte(name)) {
			return true
		}
	}
	return false
}

func (a Answer) good() bool { return a.Status >= 200 && a.Status < 300 }

// isPage tells an HTML page from an API's answer.
func isPage(a Answer, body []byte) bool {
	if a.Event || a.good() && (a.Endpoint == Files || a.Endpoint == Other || a.Endpoint == Account) {
		return false
	}
	media := strings.ToLower(a.Header.Get("Content-Type"))
	if strings.HasPrefix(media, "text/html") || strings.HasPrefix(media, "application/xhtml") {
		// Some gateways call JSON, and texts, a page.
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

// read looks for an error in a document. In an answer with a good status only
// what cannot be anything else is one.
func (f *failure) read(doc gjson.Result, good bool) bool {
	o := objectOf(doc)
	f.doc, f.err = o, o
	if f.nested() || f.flagged() || f.problem(good) || f.flat(good) { // most telling first
		return true
	}
	f.doc, f.err = nil, nil
	return false
}

// nested is {"error": {…}}, {"error": "…"}, {"errors": […]}, an error inside
// "response" or "ResponseMetadata", MiniMax's base_resp and Spark's header.
func (f *failure) nested() bool {
	places := []gjson.Result{f.doc.get("error"), f.doc.get("errors")}
	for _, outer := range []string{"response", "ResponseMetadata"} {
		if inner := f.doc.get(outer); inner.IsObject() {
			places = append(places, objectOf(inner).get("error"))
		}
	}
	for _, e := range places {
		if e.IsArray() {
			e = e.Get("0")
		}
		if f.readValue(e) {
			return true
		}
	}
	for _, status := range []string{"base_resp", "header"} {
		inner := objectOf(f.doc.get(status))
		if code := inner.get("status_code", "code"); code.Int() != 0 {
			f.err, f.code, f.message = inner, scalar(code), messageOf(inner)
			f.codes = appendCode(f.codes, f.code)
			return true
		}
	}
	return false
}

// readValue reads the value of an error field.
func (f *failure) readValue(e gjson.Result) bool {
	switch {
	case e.IsObject():
		o := objectOf(e)
		if !slices.ContainsFunc(o, func(f field) bool { return f.value.IsObject() || f.value.IsArray() || scalar(f.value) != "" }) {
			return false
		}
		if inner := o.get("error"); inner.IsObject() && inner.Raw != "{}" {
			o = objectOf(inner)
		}
		f.err = o
		f.fill(o)
		return true
	case e.Type == gjson.String && strings.TrimSpace(e.Str) != "":
		f.fill(f.doc)
		if said := text(f.doc.get("error_description", "message", "detail")); said != "" && isWord(e.Str) {
			f.message = said
			f.codes = appendCode(f.codes, e.Str)
			f.code = firstOf(f.code, e.Str)
		} else if said != "" {
			f.message = e.Str + ": " + said
		} else {
			f.message = e.Str
		}
		if isWord(e.Str) {
			f.codes = appendCode(f.codes, e.Str)
		}
		f.unwrap()
		return true
	case e.Type == gjson.True:
		f.fill(f.doc)
		return true
	}
	return false
}

// flagged is a flat error that says so: {"type": "error"}, {"object": "error"},
// {"success": false}, a failed or incomplete response.
func (f *failure) flagged() bool {
	kind := scalar(f.doc.get("type"))
	switch {
	case kind == "error", scalar(f.doc.get("object")) == "error":
		f.fill(f.doc)
		if f.typ == "error" {
			f.typ = ""
			f.codes = slices.DeleteFunc(f.codes, func(c string) bool { return c == "error" })
		}
		return true
	case kind == "response.failed", kind == "response.incomplete":
		response := objectOf(f.doc.get("response"))
		f.typ = kind
		f.code = scalar(objectOf(response.get("incomplete_details")).get("reason"))
		f.codes = appendCode(appendCode(f.codes, kind), f.code)
		return true
	case f.doc.get("success").Type == gjson.False && scalar(f.doc.get(messageNames...)) != "", f.saysItFailed():
		f.fill(f.doc)
		return true
	}
	return false
}

// unfinished is a choice whose finish reason, or error, says that the site broke
// down.
func (f *failure) unfinished(doc gjson.Result) bool {
	choice := objectOf(doc.Get("choices.0"))
	reason := scalar(choice.get("finish_reason"))
	if reason != "error" && reason != "insufficient_system_resource" {
		return false
	}
	f.doc, f.err = objectOf(doc), choice
	if !f.readValue(choice.get("error")) {
		f.code = reason
		f.codes = appendCode(f.codes, reason)
	}
	return true
}

// saysItFailed is {"status": "error", "message": "…"} without anything else.
func (f *failure) saysItFailed() bool {
	switch strings.ToLower(scalar(f.doc.get("status"))) {
	case "error", "fail", "failed", "failure":
		return scalar(f.doc.get(messageNames...)) != "" && !f.hasContent()
	}
	return false
}

// problem is {"detail": …} of FastAPI and of application/problem+json.
func (f *failure) problem(good bool) bool {
	detail := f.doc.get("detail")
	if good || !detail.Exists() {
		return false
	}
	f.fill(f.doc)
	switch {
	case detail.IsObject():
		f.err = objectOf(detail)
		if inner := f.err.get("error"); inner.IsObject() {
			f.err = objectOf(inner)
		}
		f.fill(f.err)
	case detail.IsArray():
		f.message = scalar(detail.Get("0.msg"))
		f.codes = appendCode(f.codes, scalar(detail.Get("0.type")))
	case detail.Type == gjson.String && !strings.Contains(f.message, detail.Str):
		f.message = detail.Str
	}
	f.unwrap()
	return true
}

var (
	messageNames = []string{"message", "msg", "error_msg", "errorMessage", "error_message", "status_msg", "status_message", "err_msg", "errmsg", "errorDescription", "reason", "detail", "title"}
	codeNames    = []string{"code", "error_code", "errorCode", "errorKey", "err_code", "errcode", "status_code"}
	contentNames = []string{"choices", "candidates", "output", "content", "data", "usage", "id", "message_id", "embedding", "embeddings", "results", "response", "text"}
)

// flat is {"code": …, "message": …} and its like.
func (f *failure) flat(good bool) bool {
	message := f.doc.get(messageNames...)
	if good {
		code := firstOf(scalar(f.doc.get(codeNames...)), statusNumber(scalar(f.doc.get("status"))))
		if message.Type != gjson.String || message.Str == "" || f.hasContent() || isSuccess(code) {
			return false
		}
	}
	f.fill(f.doc)
	return true
}

// hasContent reports whether the document holds something of an answer. Some sites
// add "data": null to their errors.
func (f *failure) hasContent() bool {
	return slices.ContainsFunc(contentNames, func(name string) bool {
		v := f.doc.get(name)
		return v.Exists() && v.Type != gjson.Null && v.Raw != "{}" && v.Raw != "[]" && v.Raw != `""`
	})
}

// statusNumber is s if it is the number of an error's status.
func statusNumber(s string) string {
	if httpStatus(s) == 0 {
		return ""
	}
	return s
}

func isSuccess(code string) bool {
	switch strings.ToLower(code) {
	case "", "0", "200", "ok", "success", "true":
		return true
	}
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

// innerMessage returns the first message in the objects below o: gateways wrap what
// their upstream said.
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
// what their upstream said.
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

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func appendCode(codes []string, c string) []string {
	const most = 16
	if c == "" || len(c) > 256 || len(codes) >= most || slices.Contains(codes, c) {
		return codes
	}
	return append(codes, c)
}

// isWord reports whether s is a code rather than a sentence.
func isWord(s string) bool { return s != "" && len(s) <= 64 && !strings.ContainsAny(s, " \t\n") }

// plainText returns the message of a body that is not JSON: its text, or a page's
// title or first heading.
func plainText(body []byte, page bool) string {
	if !page {
		return strings.TrimSpace(strings.ToValidUTF8(string(body[:min(len(body), maxMessage)]), ""))
	}
	for _, tag := range []string{"title", "h1", "h2"} {
		if text := between(body, "<"+tag, "</"+tag+">"); text != "" {
			return text
		}
	}
	return ""
}

// readHeader reads the codes that AWS and Azure put into headers.
func (f *failure) readHeader() {
	for _, name := range []string{"X-Amzn-Errortype", "X-Ms-Error-Code"} {
		code, _, _ := strings.Cut(f.header.Get(name), ":")
		f.codes = appendCode(f.codes, code)
		f.code = firstOf(f.code, code)
	}
}

// readXML reads the errors of object stores and of some gateways.
func (f *failure) readXML() {
	if !bytes.HasPrefix(bytes.TrimSpace(f.body), []byte("<?xml")) && !bytes.HasPrefix(bytes.TrimSpace(f.body), []byte("<Error")) {
		return
	}
	f.code = between(f.body, "<Code", "</Code>")
	f.codes = appendCode(f.codes, f.code)
	f.message = firstOf(between(f.body, "<Message", "</Message>"), f.message)
}

// between returns the text between a tag that begins with open, and end.
func between(body []byte, open, end string) string {
	lower := asciiLower(body[:min(len(body), 4<<10)])
	i := bytes.Index(lower, []byte(strings.ToLower(open)))
	if i < 0 {
		return ""
	}
	from := bytes.IndexByte(lower[i:], '>')
	if from < 0 {
		return ""
	}
	from += i + 1
	to := bytes.Index(lower[from:], []byte(strings.ToLower(end)))
	if to < 0 {
		return ""
	}
	return strings.TrimSpace(string(body[from : from+to]))
}

// asciiLower returns a copy in which A to Z are lower case; its length is the same.
func asciiLower(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i] = c
	}
	return out
}

// maxMessage bounds what rules see of a message: errors that wrap others have
// the cause at the end, so both ends are kept.
const maxMessage = 2 << 10

func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	const end = maxMessage / 4
	return strings.ToValidUTF8(s[:maxMessage-end], "") + " … " + strings.ToValidUTF8(s[len(s)-end:], "")
}
