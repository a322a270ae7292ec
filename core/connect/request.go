package connect

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// prompt is the prompt of a check.
const prompt = "Answer with the word ok."

// Request returns a short request as the app sends it: the same endpoint, with the
// same kind of credential, for a stream.
func (a App) Request(ctx context.Context, e Entry) (*http.Request, error) {
	model := e.model()
	message := []map[string]any{{"role": "user", "content": prompt}}
	path, header := "/v1/chat/completions", map[string]string{"Authorization": "Bearer " + e.Token}
	body := map[string]any{"model": model, "stream": true, "messages": message}
	switch a.API {
	case Messages:
		path, body["max_tokens"], header["Anthropic-Version"] = "/v1/messages", 64, "2023-06-01"
		if a.ID == "anthropic" {
			header["X-Api-Key"] = e.Token
			delete(header, "Authorization")
		}
	case Responses:
		path = "/v1/responses"
		body = map[string]any{"model": model, "stream": true, "store": false, "input": message}
	case Generate:
		path = "/v1beta/models/" + url.PathEscape(model) + ":streamGenerateContent?alt=sse"
		body = map[string]any{"contents": []map[string]any{{"role": "user", "parts": []map[string]any{{"text": prompt}}}}}
		header = map[string]string{"X-Goog-Api-Key": e.Token}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.Address+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		if e.Token != "" {
			r.Header.Set(name, value)
		}
	}
	if v := header["Anthropic-Version"]; v != "" {
		r.Header.Set("Anthropic-Version", v)
	}
	return r, nil
}

// families are the prefixes of the names of models that the apps of an API use.
var families = map[API][]string{Messages: {"claude"}, Responses: {"gpt", "o", "codex"}, Generate: {"gemini"}}

// UsesByDefault reports whether the app may use the model without being configured to.
func (a App) UsesByDefault(model string) bool {
	all := families[a.API]
	return len(all) == 0 || slices.ContainsFunc(all, func(family string) bool {
		return strings.HasPrefix(model[strings.LastIndexByte(model, '/')+1:], family)
	})
}

// Family returns the prefix of the names of the models that the app uses; "" for any.
func (a App) Family() string {
	if all := families[a.API]; len(all) > 0 {
		return all[0]
	}
	return ""
}

// SuitableModels returns the models that suit the app, in their order, or all if none does.
func (a App) SuitableModels(models []string) []string {
	var fit []string
	for _, m := range models {
		if a.UsesByDefault(m) {
			fit = append(fit, m)
		}
	}
	if len(fit) == 0 {
		return models
	}
	return fit
}
