package connect

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Entry has what an app needs to use the proxy.
type Entry struct {
	Address string   // such as http://127.0.0.1:9000
	Token   string   // what the app sends as its API key
	Models  []string // the models for apps that list them, the preferred one first
}

// v1 returns the base URL of apps that expect the version in it.
func (e Entry) v1() string { return e.Address + "/v1" }

// model returns the preferred model.
func (e Entry) model() string {
	if len(e.Models) == 0 {
		return "MODEL"
	}
	return e.Models[0]
}

// API is the kind of request that an app sends.
type API string

// The kinds of requests.
const (
	Chat      API = "chat"      // OpenAI's chat completions
	Responses API = "responses" // OpenAI's responses
	Messages  API = "messages"  // Anthropic
	Generate  API = "generate"  // Gemini
)

// Text returns the name of the API, and the path of its requests.
func (a API) Text() (name, path string) {
	switch a {
	case Responses:
		return "OpenAI's Responses API", "/v1/responses"
	case Messages:
		return "the Anthropic API", "/v1/messages"
	case Generate:
		return "the Gemini API", "/v1beta/models/MODEL:generateContent"
	}
	return "OpenAI's Chat Completions API", "/v1/chat/completions"
}

// App is an app that can use the proxy.
type App struct {
	ID, Name string
	API      API
	// Note is a hint for users of the app; "" if there is none.
	Note string
	// Variables are environment variables, as name and value.
	Variables func(Entry) [][2]string
	// Files are the settings in the app's own files, none if it has no such
	// file. home is the user's home directory.
	Files func(e Entry, home string) []File
	// Command is a command that sends a request; nil for apps.
	Command func(Entry) string
	// Fields are the values to type into a form of the app, as name and value.
	Fields func(Entry) [][2]string
	// Link opens the app with the settings filled in.
	Link func(Entry) string
	// Conflicts are environment variables that prevent the app from using the proxy.
	Conflicts []string
}

// File is one file of an app, with the settings to make in it.
type File struct {
	Path string
	edit editor
}

// Text returns the content that a new file would have.
func (f File) Text() (string, error) {
	out, err := f.edit(nil)
	return string(out), err
}

// Current reports whether the file already has these settings.
func (f File) Current() (bool, error) {
	old, err := read(resolve(f.Path))
	if err != nil {
		return false, err
	}
	text, err := f.edit(old)
	return bytes.Equal(text, old), err
}

// token is the environment variable from which Codex reads the token.
const token = "AITUNNEL_TOKEN"

// Apps returns all apps, by their names in commands.
func Apps() []App {
	return []App{
		{
			ID: "claude-code", Name: "Claude Code", API: Messages, Conflicts: []string{"ANTHROPIC_API_KEY"},
			Variables: func(e Entry) [][2]string {
				return [][2]string{{"ANTHROPIC_BASE_URL", e.Address}, {"ANTHROPIC_AUTH_TOKEN", e.Token}}
			},
			Files: func(e Entry, home string) []File {
				return []File{{place("CLAUDE_CONFIG_DIR", home, ".claude", "settings.json"), jsonEdits(
					member{[]string{"env", "ANTHROPIC_BASE_URL"}, e.Address},
					member{[]string{"env", "ANTHROPIC_AUTH_TOKEN"}, e.Token},
				)}}
			},
		},
		{
			ID: "codex", Name: "Codex", API: Responses,
			Files: func(e Entry, home string) []File {
				return []File{
					{place("CODEX_HOME", home, ".codex", "config.toml"), tomlEdits(e)},
					{place("CODEX_HOME", home, ".codex", ".env"), envEdits([][2]string{{token, e.Token}})},
				}
			},
		},
		{
			ID: "gemini-cli", Name: "Gemini CLI", API: Generate,
			Files: func(e Entry, home string) []File {
				if dir := os.Getenv("GEMINI_CLI_HOME"); dir != "" {
					home = dir
				}
				return []File{
					{filepath.Join(home, ".gemini", ".env"), envEdits([][2]string{{"GOOGLE_GEMINI_BASE_URL", e.Address}, {"GEMINI_API_KEY", e.Token}})},
					{filepath.Join(home, ".gemini", "settings.json"), jsonEdits(member{[]string{"security", "auth", "selectedType"}, "gemini-api-key"})},
				}
			},
		},
		{
			ID: "opencode", Name: "opencode", API: Chat, Note: "Choose a model with /models, where they are listed under aitunnel.",
			Files: func(e Entry, home string) []File {
				models := map[string]any{}
				for _, m := range e.listed() {
					models[m] = map[string]any{"name": m}
				}
				dir := filepath.Join(place("XDG_CONFIG_HOME", home, ".config"), "opencode")
				return []File{{firstThatExists(filepath.Join(dir, "opencode.json"), filepath.Join(dir, "opencode.jsonc")), jsonEdits(
					member{[]string{"provider", "aitunnel", "npm"}, "@ai-sdk/openai-compatible"},
					member{[]string{"provider", "aitunnel", "name"}, "aitunnel"},
					member{[]string{"provider", "aitunnel", "options", "baseURL"}, e.v1()},
					member{[]string{"provider", "aitunnel", "options", "apiKey"}, e.Token},
					member{[]string{"provider", "aitunnel", "models"}, models},
				)}}
			},
		},
		{
			ID: "openclaw", Name: "OpenClaw", API: Chat, Note: "Choose a model with: openclaw models set aitunnel/MODEL",
			Files: func(e Entry, home string) []File {
				models := []any{}
				for _, m := range e.listed() {
					models = append(models, map[string]any{"id": m, "name": m})
				}
				path := place("OPENCLAW_STATE_DIR", home, ".openclaw", "openclaw.json")
				if own := os.Getenv("OPENCLAW_CONFIG_PATH"); own != "" {
					path = own
				}
				return []File{{path, jsonEdits(
					member{[]string{"models", "mode"}, "merge"},
					member{[]string{"models", "providers", "aitunnel", "baseUrl"}, e.v1()},
					member{[]string{"models", "providers", "aitunnel", "apiKey"}, e.Token},
					member{[]string{"models", "providers", "aitunnel", "api"}, "openai-completions"},
					member{[]string{"models", "providers", "aitunnel", "models"}, models},
				)}}
			},
		},
		{
			ID: "continue", Name: "Continue", API: Chat,
			Files: func(e Entry, home string) []File {
				return []File{{place("CONTINUE_GLOBAL_DIR", home, ".continue", "config.yaml"), yamlEdits(e)}}
			},
		},
		{
			ID: "cursor", Name: "Cursor", API: Chat, Fields: openAIFields,
			Note: "Cursor sends from its own servers, which cannot reach this machine: it needs a public https address that leads to the proxy, and a client token.",
		},
		{
			ID: "cherry-studio", Name: "Cherry Studio", API: Chat, Fields: openAIFields,
			Link: func(e Entry) string {
				data, _ := json.Marshal(map[string]string{"id": "aitunnel", "name": "aitunnel", "type": "openai", "baseUrl": e.Address, "apiKey": e.Token}) // strings can always be encoded
				return "cherrystudio://providers/api-keys?v=1&data=" + url.QueryEscape(base64.StdEncoding.EncodeToString(data))
			},
		},
		{
			ID: "openai", Name: "OpenAI SDKs", API: Chat,
			Variables: func(e Entry) [][2]string {
				return [][2]string{{"OPENAI_BASE_URL", e.v1()}, {"OPENAI_API_KEY", e.Token}}
			},
		},
		{
			ID: "anthropic", Name: "Anthropic SDKs", API: Messages,
			Variables: func(e Entry) [][2]string {
				return [][2]string{{"ANTHROPIC_BASE_URL", e.Address}, {"ANTHROPIC_API_KEY", e.Token}}
			},
		},
		{
			ID: "curl", Name: "curl", API: Chat,
			Command: func(e Entry) string {
				return fmt.Sprintf("curl %s/v1/chat/completions \\\n  -H \"Authorization: Bearer %s\" -H \"Content-Type: application/json\" \\\n  -d '{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'", e.Address, e.Token, e.model())
			},
		},
		{
			ID: "env", Name: "environment variables", API: Chat,
			Note: "For this shell: eval \"$(aitunnel connect env)\"",
			Variables: func(e Entry) [][2]string {
				return [][2]string{
					{"OPENAI_BASE_URL", e.v1()}, {"OPENAI_API_KEY", e.Token},
					{"ANTHROPIC_BASE_URL", e.Address}, {"ANTHROPIC_AUTH_TOKEN", e.Token},
					{"GOOGLE_GEMINI_BASE_URL", e.Address}, {"GEMINI_API_KEY", e.Token},
				}
			},
		},
	}
}

func openAIFields(e Entry) [][2]string {
	return [][2]string{{"Base URL", e.v1()}, {"API key", e.Token}}
}

// listed returns the models to list in a file.
func (e Entry) listed() []string {
	if len(e.Models) == 0 {
		return []string{e.model()}
	}
	return e.Models
}

// place returns a path below the directory that an environment variable names, or below dir
// in home.
func place(variable, home, dir string, path ...string) string {
	base := filepath.Join(home, dir)
	if own := os.Getenv(variable); filepath.IsAbs(own) {
		base = own
	}
	return filepath.Join(append([]string{base}, path...)...)
}

// firstThatExists returns the first path at which there is a file, or the first.
func firstThatExists(paths ...string) string {
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return paths[0]
}

// Find finds an app by its name in commands.
func Find(id string) (App, bool) {
	for _, a := range Apps() {
		if strings.EqualFold(a.ID, id) {
			return a, true
		}
	}
	return App{}, false
}
