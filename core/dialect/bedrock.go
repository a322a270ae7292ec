package dialect

import "strings"

// bedrockVerbs are the operations of Amazon Bedrock, whose paths are /model/ID/VERB.
var bedrockVerbs = map[string]Endpoint{
	"invoke": Generate, "invoke-with-response-stream": Generate,
	"converse": Generate, "converse-stream": Generate,
	"count-tokens": Count,
}

// bedrockModel finds the model in a path of Bedrock, path[start:end], and the operation;
// "" if the path is not one of Bedrock.
func bedrockModel(path string) (start, end int, verb string) {
	const before = "/model/"
	i := strings.LastIndex(path, before)
	if i < 0 {
		return 0, 0, ""
	}
	start = i + len(before)
	n := strings.IndexByte(path[start:], '/')
	if n <= 0 {
		return 0, 0, ""
	}
	verb = path[start+n+1:]
	if bedrockVerbs[verb] == "" {
		return 0, 0, ""
	}
	return start, start + n, verb
}

// isBedrockClaude reports whether the path is for requests in Anthropic's format.
func isBedrockClaude(path string) bool {
	start, end, verb := bedrockModel(path)
	return strings.HasPrefix(verb, "invoke") && strings.Contains(path[start:end], "anthropic.")
}
