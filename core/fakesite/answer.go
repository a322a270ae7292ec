package fakesite

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// api is the API in whose format an answer is written.
type api int

const (
	openAI api = iota // also for paths of no known API
	anthropic
	gemini
)

// op is the operation of a path.
type op int

const (
	opUnknown op = iota
	opChat
	opResponses
	opMessages
	opGenerate
	opCount // of tokens, in a prompt
	opModels
)

// parse determines from the path, headers and body what the request asks for.
func (x *Exchange) parse() {
	path := strings.TrimSuffix(x.R.URL.Path, "/")
	fields := gjson.GetManyBytes(x.body, "model", "stream")
	x.Model, x.Stream = fields[0].String(), fields[1].Bool()
	switch {
	case strings.HasSuffix(path, "/chat/completions"):
		x.op = opChat
	case strings.HasSuffix(path, "/responses"):
		x.op = opResponses
	case strings.HasSuffix(path, "/messages"):
		x.api, x.op = anthropic, opMessages
	case strings.HasSuffix(path, "/messages/count_tokens"):
		x.api, x.op = anthropic, opCount
	case strings.HasSuffix(path, "/models"):
		x.op = opModels
		switch {
		case strings.HasSuffix(path, "/v1beta/models"):
			x.api = gemini
		case x.R.Header.Get("Anthropic-Version") != "":
			x.api = anthropic
		}
	case strings.Contains(path, "/v1beta/models/") || strings.Contains(path, "/models/") && strings.HasSuffix(path, "enerateContent"):
		x.api = gemini
		x.parseGemini(path)
	}
}

// parseGemini reads the model and the method from …/models/MODEL:METHOD.
func (x *Exchange) parseGemini(path string) {
	_, last, _ := strings.Cut(path, "/models/")
	model, method, _ := strings.Cut(last, ":")
	x.Model, x.Stream = model, method == "streamGenerateContent"
	switch method {
	case "generateContent", "streamGenerateContent":
		x.op = opGenerate
	case "countTokens":
		x.op = opCount
	}
}

// draft contains the parts of an answer, ready to be inserted into JSON.
type draft struct {
	serial  int64
	created int64
	model   string   // a JSON string
	text    string   // a JSON string
	tokens  []string // JSON strings
	prompt  int      // tokens of the prompt, estimated at four bytes each
}

// draft starts an answer to the request.
func (x *Exchange) draft() draft {
	return draft{
		serial:  x.Site.serial.Add(1),
		created: time.Now().Unix(),
		model:   quote(x.Model),
		text:    x.Site.quotedText,
		tokens:  x.Site.quotedTokens,
		prompt:  len(x.body)/4 + 1,
	}
}

// quote returns a text as a JSON string.
func quote(text string) string {
	b, _ := json.Marshal(text) // a string always has a JSON form
	return string(b)
}

// quoteAll returns texts as JSON strings.
func quoteAll(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = quote(t)
	}
	return out
}

// whole returns the answer in one piece.
func (x *Exchange) whole() string {
	d := x.draft()
	switch x.op {
	case opChat:
		return d.chat()
	case opResponses:
		return d.response()
	case opMessages:
		return d.message()
	case opGenerate:
		return d.generate()
	case opCount:
		return d.countTokens(x.api)
	default:
		return x.Site.modelList(x.api)
	}
}

// events returns the pieces of a streamed answer as they are sent.
func (x *Exchange) events() []string {
	d := x.draft()
	switch x.op {
	case opChat:
		return d.chatEvents(gjson.GetBytes(x.body, "stream_options.include_usage").Bool())
	case opResponses:
		return d.responseEvents()
	case opMessages:
		return d.messageEvents()
	default:
		return d.generateEvents(x.sse())
	}
}

// streams reports whether the answer is a stream.
func (x *Exchange) streams() bool {
	return x.Stream && x.op != opUnknown && x.op != opCount && x.op != opModels
}

// sse reports whether the pieces are server-sent events: always, except for Gemini
// unless the request asks for them.
func (x *Exchange) sse() bool {
	return x.api != gemini || x.R.URL.Query().Get("alt") == "sse"
}

// modelList lists the site's models.
func (s *Site) modelList(a api) string {
	entries := make([]string, len(s.models))
	for i, m := range s.models {
		entries[i] = modelEntry(a, m)
	}
	list := strings.Join(entries, ",")
	switch a {
	case anthropic:
		return anthropicModels(s.models, list)
	case gemini:
		return `{"models":[` + list + `]}`
	default:
		return `{"object":"list","data":[` + list + `]}`
	}
}

// modelEntry returns one model of a list.
func modelEntry(a api, model string) string {
	switch a {
	case anthropic:
		return `{"type":"model","id":` + quote(model) + `,"display_name":` + quote(model) + `,"created_at":"2025-01-01T00:00:00Z"}`
	case gemini:
		return `{"name":` + quote("models/"+model) + `,"displayName":` + quote(model) + `,"supportedGenerationMethods":["generateContent","countTokens"]}`
	default:
		return `{"id":` + quote(model) + `,"object":"model","created":1735689600,"owned_by":"fakesite"}`
	}
}

// fault is an error in the terms of each API.
type fault struct {
	status     int
	openAIType string
	openAICode string
	anthropic  string // its type
	gemini     string // its status
	message    string
}

var (
	faultKey = fault{http.StatusUnauthorized, "invalid_request_error", "invalid_api_key",
		"authentication_error", "UNAUTHENTICATED", "The API key is missing or not valid."}
	faultRate = fault{http.StatusTooManyRequests, "requests", "rate_limit_exceeded",
		"rate_limit_error", "RESOURCE_EXHAUSTED", "Too many requests, slow down."}
	faultQuota = fault{http.StatusTooManyRequests, "insufficient_quota", "insufficient_quota",
		"rate_limit_error", "RESOURCE_EXHAUSTED", "The quota of this key is used up, check plan and billing."}
	faultPath = fault{http.StatusNotFound, "invalid_request_error", "unknown_url",
		"not_found_error", "NOT_FOUND", "There is nothing at this path."}
)

// fail answers with the fault in the format of the request's API.
func (x *Exchange) fail(f fault) {
	var body string
	switch x.api {
	case anthropic:
		body = `{"type":"error","error":{"type":` + quote(f.anthropic) + `,"message":` + quote(f.message) + `}}`
	case gemini:
		body = `{"error":{"code":` + strconv.Itoa(f.status) + `,"message":` + quote(f.message) + `,"status":` + quote(f.gemini) + `}}`
	default:
		body = `{"error":{"message":` + quote(f.message) + `,"type":` + quote(f.openAIType) +
			`,"param":null,"code":` + quote(f.openAICode) + `}}`
	}
	x.send(f.status, "application/json", body)
}

// send sends an answer of known length.
func (x *Exchange) send(status int, contentType, body string) {
	h := x.W.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.W.WriteHeader(status)
	_, _ = x.W.Write([]byte(body)) // a disconnected client is noticed by its context
}
