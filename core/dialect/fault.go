package dialect

import (
	"bytes"
	"strings"

	"github.com/tidwall/gjson"
)

// errorIn reports whether a JSON text is an error, in any of the forms that sites use, and
// returns the object: the text itself, or its first element if it is an array. An empty
// "error" is not an error. cut says that the text is only a beginning.
func errorIn(data []byte, cut bool) ([]byte, bool) {
	if !mayBeError(data) || bytes.Contains(data, choicesMark) && containsNone(data, `rror`, `fail`, `"base_resp"`, `"header"`) {
		return nil, false
	}
	root := parse(data)
	if root.IsArray() {
		root = root.Get("0")
	}
	if !root.IsObject() || !isError(root) || !cut && !gjson.ValidBytes(data) {
		return nil, false
	}
	return []byte(root.Raw), true
}

// errorMarks are words of which every error contains at least one. The first is the most
// frequent.
var errorMarks = [][]byte{[]byte(`essage"`), []byte(`error`), []byte(`"Error"`), []byte(`fail`), []byte(`"detail"`), []byte(`"success"`), []byte(`msg"`), []byte(`"base_resp"`)}

// choicesMark is the beginning of an answer in the chat format. With choices, only
// unambiguous signs count as an error (see errorSigns).
var choicesMark = []byte(`"choices":[{`)

// errorWord is what some gateways send instead of an event's JSON.
var errorWord = []byte("[ERROR]")

// mayBeError is a quick check that is false for most content.
func mayBeError(data []byte) bool {
	for _, mark := range errorMarks {
		if bytes.Contains(data, mark) {
			return true
		}
	}
	return false
}

// containsNone reports whether data contains none of the marks.
func containsNone(data []byte, marks ...string) bool {
	for _, mark := range marks {
		if bytes.Contains(data, []byte(mark)) {
			return false
		}
	}
	return true
}

// isError recognizes these forms: {"error":{…}}, {"error":"…"}, {"type":"error"},
// {"object":"error"}, a response that failed, MiniMax's base_resp, Spark's
// header, Tencent's {"Response":{"Error":{…}}}, and objects that contain only an error:
// {"detail":…}, {"success":false}, {"code":…,"message":…},
// {"error_code":…,"error_msg":…}. It reads the object once.
func isError(o gjson.Result) bool {
	var c errorSigns
	o.ForEach(func(name, v gjson.Result) bool {
		c.field(name.Str, v)
		return !c.sure
	})
	return c.sure || !c.other && (c.detail || c.message && c.failed)
}

// errorSigns are the signs of an error in the fields of an object.
type errorSigns struct {
	sure                    bool // it is certainly an error, whatever the other fields are
	detail, message, failed bool
	other                   bool // it has content other than an error
}

// certain looks for an unambiguous sign of an error, whatever the other fields are.
func (c *errorSigns) certain(name string, v gjson.Result) {
	switch name {
	case "error":
		c.sure = c.sure || isErrorValue(v)
	case "response":
		c.sure = c.sure || isErrorValue(v.Get("error"))
	case "Response":
		c.sure = c.sure || isErrorValue(v.Get("Error"))
	case "type":
		c.sure = c.sure || v.Str == "error" || v.Str == "response.failed"
	case "object":
		c.sure = c.sure || v.Str == "error"
	case "base_resp":
		c.sure = c.sure || v.Get("status_code").Num != 0
	case "header":
		c.sure = c.sure || v.Get("code").Num != 0
	}
}

func (c *errorSigns) field(name string, v gjson.Result) {
	c.certain(name, v)
	switch strings.ToLower(name) {
	case "detail":
		c.detail = !isBlank(v)
	case "message", "msg", "error_msg", "errmsg", "err_msg", "error_message", "errormessage", "errormsg", "status_message", "description":
		c.message = c.message || v.Type == gjson.String && v.Str != ""
	case "errors":
		c.message = c.message || !isBlank(v)
	case "success":
		c.failed = v.Type == gjson.False
	case "code":
		c.failed = c.failed || isErrorCode(v)
	case "error_code", "errcode", "err_code", "errorcode":
		c.failed = c.failed || v.Num != 0
	case "status", "status_code", "statuscode", "http_status", "http_code", "httpcode":
		c.failed = c.failed || isErrorStatus(v) || v.Str == "error" || v.Str == "failed" || v.Str == "fail"
	case "result":
		c.failed = c.failed || v.Type == gjson.False
	case "request_id", "requestid", "id", "type", "error_type", "errortype", "param", "trace_id", "time", "timestamp", "path",
		"sid", "log_id", "logid", "ts", "hint", "suggestion", "doc_url", "docs", "retriable", "retryable":
	default:
		c.other = c.other || !isBlank(v)
	}
}

// isErrorValue reports whether the value of an "error" field describes an error.
func isErrorValue(v gjson.Result) bool { return v.Exists() && !isBlank(v) && v.Raw != "0" }

// isErrorStatus recognizes 429 and "429".
func isErrorStatus(v gjson.Result) bool {
	return v.Type == gjson.Number && v.Num >= 400 || len(v.Str) == 3 && v.Str >= "400" && v.Str <= "599"
}

// isErrorCode distinguishes "InvalidApiKey" and 401 from "ok", "success", 0 and 200.
func isErrorCode(v gjson.Result) bool {
	switch v.Type {
	case gjson.Number:
		return v.Num >= 400
	case gjson.String:
		code := strings.ToLower(v.Str)
		return code != "" && code != "0" && code != "200" && code != "ok" && !strings.HasPrefix(code, "succe")
	}
	return false
}

// isEmptyAnswer reports whether an object or array contains no part of an answer: {},
// {"type":"ping"}, {"success":true,"data":null}.
func isEmptyAnswer(root gjson.Result) bool {
	if !root.IsObject() {
		return isBlank(root)
	}
	if !gjson.Valid(root.Raw) {
		return false
	}
	nothing := true
	root.ForEach(func(name, v gjson.Result) bool {
		switch name.Str {
		case "id", "object", "created", "model", "system_fingerprint", "code", "success", "status", "request_id", "trace_id", "time", "timestamp":
		case "type":
			kind := kindOfName([]byte(strings.NewReplacer("-", "", "_", "").Replace(v.Str)))
			nothing = isBlank(v) || kind == KeepAlive
		case "message", "msg":
			nothing = isBlank(v) || strings.EqualFold(v.Str, "ok") || strings.EqualFold(v.Str, "success")
		default:
			nothing = isBlank(v)
		}
		return nothing
	})
	return nothing
}

// isFailureReason reports whether a finish reason says that the site failed.
func isFailureReason(reason string) bool {
	return reason == "error" || reason == "insufficient_system_resource"
}

// classifyError sets the kind of events that all formats have in common: errors, and text
// that is not JSON. It reports whether it did.
func classifyError(e *Event) bool {
	if bytes.HasPrefix(e.Data, errorWord) {
		e.Kind = Error
		return true
	}
	if c := firstByte(e.Data); c != '{' && c != '[' {
		if e.Kind = Content; string(e.Name) == "error" || e.Whole && !e.Cut {
			e.Kind = Error
		}
		return true
	}
	if string(e.Name) == "error" {
		e.Kind = Error
		return true
	}
	if object, ok := errorIn(e.Data, e.Cut); ok {
		e.Kind, e.Data = Error, object
		return true
	}
	return false
}
