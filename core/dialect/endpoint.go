package dialect

import (
	"net/http"
	"strings"
)

// Endpoint is the kind of endpoint of a request. The scope of a refusal depends on it: if a
// billing endpoint refuses a key, the key may still work for chat.
type Endpoint string

// The kinds of endpoints.
const (
	Generate   Endpoint = "generate"   // chat, responses, messages, embeddings, images, audio, realtime
	Models     Endpoint = "models"     // lists and descriptions of models
	Count      Endpoint = "count"      // counting the tokens of a prompt
	Moderation Endpoint = "moderation" // checking whether a text is allowed
	Rerank     Endpoint = "rerank"     // sorting documents by relevance
	Account    Endpoint = "account"    // billing, usage, organization, keys
	Files      Endpoint = "files"      // objects that the site stores: files, batches, stored responses
	Other      Endpoint = "other"
)

// EndpointOf returns the kind of endpoint for a method and a path.
func EndpointOf(method, path string) Endpoint {
	if verb := geminiVerb(path); verb != "" {
		return geminiEndpoint(verb)
	}
	if _, _, verb := bedrockModel(path); verb != "" {
		return bedrockVerbs[verb]
	}
	if isLivePath(path) {
		return Generate
	}
	path = strings.Trim(path, "/")
	if strings.HasPrefix(path, "upload/") {
		return Files
	}
	found := Other
	for previous := ""; path != ""; {
		var segment string
		segment, path, _ = strings.Cut(path, "/")
		kind := endpoints[segment]
		switch {
		case kind == Account:
			if previous == "" || previous == "api" || isVersion(previous) {
				return Account
			}
		case kind == Files, kind == Count, kind == Models && found == Other:
			return kind
		case stored[segment] && namesObject(method, segment, path):
			return Files
		case kind != "" && found == Other:
			found = kind
		}
		previous = segment
	}
	return found
}

// Operation returns the operation of a method and a path, without models, IDs and any
// prefix: "/v1/chat/completions", "generateContent", "GET /v1/models". A site that does
// not support one operation may support others.
func Operation(method, path string) string {
	if method != http.MethodPost {
		return method + " " + operation(path)
	}
	return operation(path)
}

func operation(path string) string {
	switch path { // without an allocation
	case "/v1/chat/completions", "/v1/completions", "/v1/messages", "/v1/responses", "/v1/embeddings":
		return path
	}
	if verb := geminiVerb(path); verb != "" {
		return verb
	}
	if _, _, verb := bedrockModel(path); verb != "" {
		return verb
	}
	path = strings.TrimSuffix(path, "/")
	kept, known := "", false
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		isWord := endpoints[segment] != "" || actions[segment]
		if isWord || isVersion(segment) && len(segment) < 10 {
			kept += "/" + segment
			known = known || isWord
		}
	}
	if !known {
		kept += "/other"
	}
	return kept
}

// actions are the segments that distinguish operations of one endpoint.
var actions = map[string]bool{
	"generations": true, "variations": true, "speech": true, "transcriptions": true, "translations": true, "voices": true,
	"compact": true, "batch": true, "search": true,
}

// endpoints maps segments of paths to the kind of endpoint.
var endpoints = map[string]Endpoint{
	"completions": Generate, "responses": Generate, "messages": Generate, "complete": Generate,
	"embeddings": Generate, "embed": Generate, "images": Generate, "audio": Generate, "videos": Generate,
	"realtime": Generate, "edits": Generate, "generate": Generate, "chat": Generate, "fim": Generate,
	"models": Models, "tags": Models, "show": Models, "ps": Models,
	"count_tokens": Count, "input_tokens": Count, "tokenize": Count, "detokenize": Count, "token-count": Count,
	"moderations": Moderation,
	"rerank":      Rerank, "reranking": Rerank, "score": Rerank,
	"files": Files, "batches": Files, "uploads": Files, "fine_tuning": Files, "fine-tunes": Files,
	"vector_stores": Files, "assistants": Files, "threads": Files, "conversations": Files, "containers": Files,
	"evals": Files, "cachedContents": Files, "operations": Files, "tunedModels": Files, "corpora": Files,
	"fileSearchStores": Files, "skills": Files,
	"dashboard": Account, "billing": Account, "usage": Account, "organization": Account, "organizations": Account,
	"credits": Account, "key": Account, "keys": Account, "auth": Account, "balance": Account, "me": Account,
	"user": Account, "account": Account, "subscription": Account, "costs": Account, "activity": Account, "generation": Account,
}

// stored are the endpoints whose answers a site stores, to be requested by ID.
var stored = map[string]bool{"responses": true, "completions": true, "videos": true}

// namesObject reports whether the ID of a stored object follows the segment, or a list of
// such objects is requested.
func namesObject(method, segment, rest string) bool {
	next, _, _ := strings.Cut(rest, "/")
	switch next {
	case "":
		return method != http.MethodPost && segment != "responses"
	case "compact", "input_tokens":
		return false
	}
	return true
}

// isVersion recognizes "v1", "v1beta", "v2".
func isVersion(segment string) bool {
	return len(segment) > 1 && segment[0] == 'v' && segment[1] >= '0' && segment[1] <= '9'
}
