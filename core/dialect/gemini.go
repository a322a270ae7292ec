package dialect

import (
	"strings"

	"github.com/tidwall/gjson"
)

// gemini is the dialect of Google's Gemini API, including Vertex AI.
type gemini struct{}

func (gemini) String() string { return "gemini" }
func (gemini) Style() Style   { return StyleXGoogAPIKey }

// geminiKeyParam is the query parameter in which Gemini's clients may send a key.
const geminiKeyParam = "key"

func (gemini) Format(path string) Format {
	switch geminiVerb(path) {
	case "generateContent", "streamGenerateContent":
		return GenerateContent
	case "rawPredict", "streamRawPredict":
		if strings.Contains(path, "/publishers/anthropic/") {
			return Messages
		}
	}
	return Plain
}

// geminiVerbs are the methods of the API, which follow a colon in the path.
var geminiVerbs = map[string]Endpoint{
	"generateContent": Generate, "streamGenerateContent": Generate, "bidiGenerateContent": Generate,
	"generateAnswer": Generate, "generateText": Generate, "generateMessage": Generate,
	"embedContent": Generate, "batchEmbedContents": Generate, "embedText": Generate, "batchEmbedText": Generate,
	"predict": Generate, "predictLongRunning": Generate, "serverStreamingPredict": Generate, "streamingPredict": Generate,
	"rawPredict": Generate, "streamRawPredict": Generate,
	"countTokens": Count, "countTextTokens": Count, "countMessageTokens": Count, "computeTokens": Count,
	"batchGenerateContent": Files, "asyncBatchEmbedContent": Files, "fetchPredictOperation": Files, "transferOwnership": Files,
	"loadCodeAssist": Account, "onboardUser": Account, "retrieveUserQuota": Account,
}

// geminiVerb returns the API's method at the end of a path, "" if there is none: a model's
// ID may have a colon too.
func geminiVerb(path string) string {
	i := strings.LastIndexByte(path, ':')
	if i < 0 {
		return ""
	}
	verb := path[i+1:]
	if _, known := geminiVerbs[verb]; known {
		return verb
	}
	return ""
}

func geminiEndpoint(verb string) Endpoint { return geminiVerbs[verb] }

// isLivePath reports whether the path is that of the WebSocket of Gemini Live.
func isLivePath(path string) bool {
	return strings.Contains(path, "/ws/google.ai.generativelanguage") || strings.Contains(path, "/ws/google.cloud.aiplatform")
}

func isGeminiPath(path string) bool {
	return strings.Contains(path, "/v1beta/") || strings.Contains(path, "/v1alpha/") || geminiVerb(path) != "" || isLivePath(path)
}

// generateContent is the format of :generateContent and :streamGenerateContent.
type generateContent struct{ sharedFormat }

func (generateContent) String() string { return "generateContent" }

// Classify: chunks without parts are preamble, even with STOP, which some gateways put into
// every chunk.
func (generateContent) Classify(e *Event, started bool) {
	if started && containsNone(e.Data, `"finishReason"`, `"promptFeedback"`, `"error"`) {
		e.Kind = Content
		return
	}
	if classifyError(e) {
		return
	}
	root := parse(e.Data)
	if wrapped := root.Get("response"); wrapped.IsObject() {
		root = wrapped // as in the service of Gemini CLI
	}
	e.Kind = Preamble
	e.Counted = root.Get("usageMetadata.candidatesTokenCount").Num > 0
	root.ForEach(func(name, v gjson.Result) bool {
		switch name.Str {
		case "candidates":
			v.ForEach(func(_, candidate gjson.Result) bool {
				classifyCandidate(e, candidate)
				return true
			})
		case "usageMetadata", "modelVersion", "responseId", "createTime", "model", "error", "traceId":
		case "promptFeedback":
			if !isBlank(v) {
				e.Kind = SoftEnd
			}
		default:
			if e.Kind == Preamble && !isBlank(v) {
				e.Kind = Content
			}
		}
		return true
	})
}

func classifyCandidate(e *Event, candidate gjson.Result) {
	candidate.ForEach(func(name, v gjson.Result) bool {
		switch name.Str {
		case "index", "safetyRatings", "avgLogprobs", "tokenCount":
		case "content":
			if e.Kind == Preamble && hasParts(v.Get("parts")) {
				e.Kind = Content
			}
		case "finishReason":
			switch {
			case isBlank(v), v.Str == "FINISH_REASON_UNSPECIFIED":
			case v.Str == "STOP":
				e.Finished = true
			default:
				e.Kind = SoftEnd
			}
		default:
			if e.Kind == Preamble && !isBlank(v) {
				e.Kind = Content
			}
		}
		return true
	})
	if e.Finished && e.Kind == Content && candidate.Get("finishReason").Str == "STOP" {
		e.Kind = SoftEnd
	}
}

// hasParts reports whether a part is not empty.
func hasParts(parts gjson.Result) bool {
	found := false
	parts.ForEach(func(_, part gjson.Result) bool {
		part.ForEach(func(name, v gjson.Result) bool {
			found = name.Str != "thought" && !isBlank(v)
			return !found
		})
		return !found
	})
	return found
}

func (generateContent) dialect() Dialect             { return Gemini }
func (generateContent) errorEvents(p Problem) []byte { return event("", Gemini.ErrorBody(p)) }
