package verdict

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// nested finds {"error": {…}}, {"error": "…"}, {"errors": […]}, an error inside
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

// flagged finds a flat error that is marked as one: {"type": "error"}, {"object": "error"},
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

// unfinished finds a choice whose finish reason, or error, says that the site
// failed.
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

// saysItFailed reports whether the document is {"status": "error", "message": "…"}
// and nothing else.
func (f *failure) saysItFailed() bool {
	switch strings.ToLower(scalar(f.doc.get("status"))) {
	case "error", "fail", "failed", "failure":
		return scalar(f.doc.get(messageNames...)) != "" && !f.hasContent()
	}
	return false
}

// problem finds {"detail": …} as in FastAPI and application/problem+json.
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

// flat finds {"code": …, "message": …} and similar errors.
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

// hasContent reports whether the document contains a part of an answer. Some sites
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
