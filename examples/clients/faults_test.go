package clients

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/fakesite"
)

// faults are the ways in which the first site fails.
var faults = map[string]fakesite.Behavior{
	"429":                     fakesite.RateLimited(time.Hour),
	"500":                     failing(500),
	"503":                     failing(503),
	"529":                     failing(529),
	"401":                     fakesite.Unauthorized(),
	"hanging-up":              fakesite.Reset(),
	"silent":                  fakesite.HangBeforeHeaders(),
	"challenge":               fakesite.Challenge(),
	"error-event":             errorEvent(false),
	"error-after-first-event": errorEvent(true),
}

// onceOnANewConnection counts two requests at a site that closes connections as one: on a
// kept connection that looks as if it had been closed while idle, so the request is sent
// again on a new one, as part of the same attempt.
func onceOnANewConnection(model string, requests int) int {
	if strings.HasSuffix(model, "hanging-up") && requests == 2 {
		return 1
	}
	return requests
}

// onlyStreams reports whether only streams can have the fault.
func onlyStreams(fault string) bool { return fault == "error-after-first-event" }

// shape returns the API of a path.
func shape(path string) string {
	switch {
	case strings.HasSuffix(path, "enerateContent"):
		return "gemini"
	case strings.HasSuffix(path, "/messages"):
		return "messages"
	case strings.HasSuffix(path, "/responses"):
		return "responses"
	}
	return "chat"
}

// failing answers with an error in the format of the API.
func failing(status int) fakesite.Behavior {
	return func(x *fakesite.Exchange) { fakesite.Status(status, errorBody(x, status))(x) }
}

func errorBody(x *fakesite.Exchange, status int) string {
	names := map[int][2]string{429: {"rate_limit_error", "RESOURCE_EXHAUSTED"}, 500: {"api_error", "INTERNAL"}, 503: {"api_error", "UNAVAILABLE"}, 529: {"overloaded_error", "UNAVAILABLE"}}[status]
	switch shape(x.R.URL.Path) {
	case "messages":
		return fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":"The site is not well."}}`, names[0])
	case "gemini":
		return fmt.Sprintf(`{"error":{"code":%d,"message":"The site is not well.","status":%q}}`, status, names[1])
	default:
		return `{"error":{"message":"The site is not well.","type":"server_error","param":null,"code":null}}`
	}
}

// errorEvent answers 200 with an error as the first event, or after the one
// with which every stream of that API begins.
func errorEvent(after bool) fakesite.Behavior {
	return func(x *fakesite.Exchange) {
		body := errorBody(x, 529)
		if !x.Stream {
			fakesite.Status(http.StatusOK, body)(x)
			return
		}
		begin, name := "", ""
		switch shape(x.R.URL.Path) {
		case "messages":
			begin, name = "event: message_start\ndata: "+`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":1}}}`+
				"\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n", "event: error\n"
		case "responses":
			begin = "event: response.created\ndata: " + `{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","error":null,"model":"m","output":[],"usage":null}}` + "\n\n"
			name, body = "event: error\n", `{"type":"error","sequence_number":0,"code":"server_error","message":"The site is not well.","param":null}`
			if after {
				name, body = "event: response.failed\n", `{"type":"response.failed","sequence_number":1,"response":{"id":"resp_1","object":"response","created_at":1,"status":"failed","error":{"code":"server_is_overloaded","message":"The site is not well."},"model":"m","output":[],"usage":null}}`
			}
		case "gemini":
			begin = "data: " + `{"candidates":[{"content":{"role":"model","parts":[]},"index":0}],"modelVersion":"m","responseId":"r"}` + "\n\n"
		default:
			begin = "data: " + `{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}` + "\n\n"
		}
		if !after {
			begin = ""
		}
		x.W.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(x.W, begin+name+"data: "+body+"\n\n")
	}
}
