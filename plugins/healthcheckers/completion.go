package healthcheckers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// completionSettings is the block of completion.
type completionSettings struct {
	API       string `hcl:"api,optional" enum:"openai,anthropic,gemini" doc:"API to call: openai (chat completions), anthropic (messages) or gemini (generateContent)."`
	Model     string `hcl:"model,optional" doc:"Model to call; use a cheap one. By default the first of the channel's models that is not a pattern."`
	Prompt    string `hcl:"prompt,optional" doc:"The prompt."`
	MaxTokens int    `hcl:"max_tokens,optional" doc:"Maximum length of the answer, in tokens."`
	Limit     string `hcl:"limit_field,optional" enum:"max_tokens,max_completion_tokens" doc:"Name of the limit in an openai request; newer models of OpenAI itself take max_completion_tokens only."`
	Path      string `hcl:"path,optional" doc:"Path below the channel's base path. By default that of the API."`
}

var completionDefaults = completionSettings{API: "openai", Prompt: "Say ok.", MaxTokens: 8, Limit: "max_tokens"}

var completionCheck = sdk.Factory{
	Name: "completion",
	Doc: `Sends a model a short prompt. This tests the channel end to end, and costs a few tokens each time.

The channel is healthy if the answer is a well-formed one of the API. A rejected key (401, 402, 403 or 429) says nothing about the channel, so its health stays as it was. Use an interval of several minutes.`,
	Settings: completionDefaults,
	New:      func() sdk.Component { return &completionChecker{settings: completionDefaults} },
}

type completionChecker struct{ settings completionSettings }

func (c *completionChecker) Configure(_ context.Context, cfg sdk.Config) error {
	if err := cfg.Decode(&c.settings); err != nil {
		return err
	}
	if c.settings.MaxTokens < 1 {
		return &sdk.ConfigError{Path: []string{"max_tokens"}, Message: fmt.Sprintf("%d is too small", c.settings.MaxTokens), Hint: "use 1 or more"}
	}
	if c.settings.Path != "" {
		return checkPath(c.settings.Path)
	}
	return nil
}

func (c *completionChecker) Close() error { return nil }

func (c *completionChecker) Check(ctx context.Context, req sdk.CheckRequest, host sdk.Host) (sdk.CheckResult, error) {
	model, err := c.model(req.Models)
	if err != nil {
		return sdk.CheckResult{}, err
	}
	call, err := c.settings.call(model)
	if err != nil {
		return sdk.CheckResult{}, err
	}
	begun := time.Now()
	answer, result, ok, err := probe(ctx, host, call)
	if !ok {
		return result, err
	}
	if answer.Status != http.StatusOK {
		if err := keyFault(answer); err != nil {
			return result, err
		}
		return unhealthy(answer, fmt.Sprintf("model %s gave %s", model, describe(answer.Status))), nil
	}
	if !wellFormed(c.settings.API, answer.Body) {
		return unhealthy(answer, fmt.Sprintf("model %s gave 200 without an answer of the %s API", model, c.settings.API)), nil
	}
	return sdk.CheckResult{Healthy: true, Reason: "model " + model + " answered", Latency: time.Since(begun)}, nil
}

func (c *completionChecker) model(served []string) (string, error) {
	if c.settings.Model != "" {
		return c.settings.Model, nil
	}
	for _, m := range served {
		if !strings.ContainsAny(m, "*?[") {
			return m, nil
		}
	}
	return "", errors.New(`no model to call: set "model" in the health_check block, or list one in the channel's models`)
}

type object = map[string]any

// call returns the request to the model.
func (s *completionSettings) call(model string) (sdk.ProbeRequest, error) {
	header := map[string]string{"Content-Type": "application/json"}
	path := "/v1/chat/completions"
	messages := []object{{"role": "user", "content": s.Prompt}}
	body := object{"model": model, "messages": messages, s.Limit: s.MaxTokens}
	switch s.API {
	case "anthropic":
		path = "/v1/messages"
		header["Anthropic-Version"] = "2023-06-01"
		body = object{"model": model, "messages": messages, "max_tokens": s.MaxTokens}
	case "gemini":
		path = "/v1beta/models/" + model + ":generateContent"
		body = object{
			"contents":         []object{{"role": "user", "parts": []object{{"text": s.Prompt}}}},
			"generationConfig": object{"maxOutputTokens": s.MaxTokens},
		}
	}
	if s.Path != "" {
		path = s.Path
	}
	text, err := json.Marshal(body)
	return sdk.ProbeRequest{Method: http.MethodPost, Path: path, Header: header, Body: text}, err
}

// wellFormed checks only for what every site with this API sends: with so few tokens, the
// text itself may be empty.
func wellFormed(api string, body []byte) bool {
	var v struct {
		Type       string            `json:"type"`
		Content    []json.RawMessage `json:"content"`
		Choices    []json.RawMessage `json:"choices"`
		Candidates []json.RawMessage `json:"candidates"`
	}
	if json.Unmarshal(body, &v) != nil {
		return false
	}
	switch api {
	case "anthropic":
		return v.Type == "message" && v.Content != nil
	case "gemini":
		return len(v.Candidates) > 0
	}
	return len(v.Choices) > 0
}
