package dialect

import "strings"

// openAI is the dialect of OpenAI and of compatible sites: Azure, OpenRouter, DeepSeek, xAI,
// Mistral, Groq, vLLM, new-api.
type openAI struct{}

func (openAI) String() string { return "openai" }
func (openAI) Style() Style   { return StyleBearer }

func (openAI) Format(path string) Format {
	path = strings.TrimSuffix(path, "/")
	switch {
	case strings.HasSuffix(path, "/chat/completions"):
		return Chat
	case strings.HasSuffix(path, "/responses"):
		return Responses
	case strings.HasSuffix(path, "/completions"):
		return Completions
	case hasSegments(path, "/audio"), hasSegments(path, "/images"):
		return Media
	}
	return Plain
}

// isOpenAIPath reports whether a path belongs to OpenAI's API only. The paths of Azure and
// of Gemini's compatible endpoint contain "/openai/".
func isOpenAIPath(path string) bool {
	return strings.Contains(path, "/openai/") ||
		hasSegments(path, "/chat/completions") ||
		hasSegments(path, "/v1/responses")
}
