package connect

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

var entry = Entry{Address: "http://localhost:9000", Token: "at-token", Models: []string{"m1", "m2"}}

func TestEditsOfConfigurationsOfApps(t *testing.T) {
	claude := jsonEdits(member{[]string{"env", "ANTHROPIC_BASE_URL"}, entry.Address}, member{[]string{"env", "TOKEN"}, entry.Token})
	tests := []struct {
		name      string
		edit      editor
		old, want string
	}{
		{"json/new", claude, "", "{\n  \"env\": {\n    \"ANTHROPIC_BASE_URL\": \"http://localhost:9000\",\n    \"TOKEN\": \"at-token\"\n  }\n}\n"},
		{"json/comments", claude, `{
    // how it looks
    "theme": "dark", /* best */
    "env": {
        "A": "1", // stays
        "TOKEN": "old" // replaced
    }
}
`, `{
    // how it looks
    "theme": "dark", /* best */
    "env": {
        "A": "1", // stays
        "TOKEN": "at-token", // replaced
        "ANTHROPIC_BASE_URL": "http://localhost:9000"
    }
}
`},
		{"json/trailing comma", claude, "{\n\t\"a\": [1, 2, {\"b\": \"}\"}],\n}\n", "{\n\t\"a\": [1, 2, {\"b\": \"}\"}],\n\t\"env\": {\n\t  \"ANTHROPIC_BASE_URL\": \"http://localhost:9000\",\n\t  \"TOKEN\": \"at-token\"\n\t}\n}\n"},
		{"json/one line", claude, `{"a": 1, "env": {}}`, "{\"a\": 1, \"env\": {\n  \"ANTHROPIC_BASE_URL\": \"http://localhost:9000\",\n  \"TOKEN\": \"at-token\"\n}}"},
		{"json/names without quotes", claude, "{ env: { TOKEN: 'x', }, }", "{ env: { TOKEN: \"at-token\",\n  \"ANTHROPIC_BASE_URL\": \"http://localhost:9000\"\n }, }"},
		{"json/another kind", claude, "{\n  \"env\": null\n}", "{\n  \"env\": {\n    \"ANTHROPIC_BASE_URL\": \"http://localhost:9000\",\n    \"TOKEN\": \"at-token\"\n  }\n}"},
		{"env", envEdits([][2]string{{"A", "1"}, {"B", "2"}}), "# mine\nexport A=0\nC=3", "# mine\nA=1\nC=3\nB=2\n"},
		{"toml/new", tomlEdits(entry), "", `model_provider = "aitunnel"

[model_providers.aitunnel]
name = "aitunnel"
base_url = "http://localhost:9000/v1"
env_key = "AITUNNEL_TOKEN"
wire_api = "responses"
`},
		{"toml/comments", tomlEdits(entry), `# mine
model = "gpt-5" # the best
model_provider = "openai" # as ever
note = """
[not a table]
"""

[model_providers.aitunnel] # old
base_url = "http://localhost:1/v1"
request_max_retries = 4

[tools]
web = true
`, `# mine
model = "gpt-5" # the best
model_provider = "aitunnel" # as ever
note = """
[not a table]
"""

[model_providers.aitunnel] # old
base_url = "http://localhost:9000/v1"
request_max_retries = 4
name = "aitunnel"
env_key = "AITUNNEL_TOKEN"
wire_api = "responses"

[tools]
web = true
`},
		{"toml/no provider chosen", tomlEdits(entry), "[tools]\nweb = true\n", `model_provider = "aitunnel"

[tools]
web = true

[model_providers.aitunnel]
name = "aitunnel"
base_url = "http://localhost:9000/v1"
env_key = "AITUNNEL_TOKEN"
wire_api = "responses"
`},
		{"yaml/new", yamlEdits(entry), "", `name: My config
version: 0.0.1
schema: v1

models:
  - name: aitunnel
    provider: openai
    model: m1
    apiBase: http://localhost:9000/v1
    apiKey: at-token
`},
		{"yaml/more", yamlEdits(entry), `name: x
models: # mine
- name: other # stays
  provider: anthropic
rules: []
`, `name: x
models: # mine
- name: aitunnel
  provider: openai
  model: m1
  apiBase: http://localhost:9000/v1
  apiKey: at-token
- name: other # stays
  provider: anthropic
rules: []
`},
		{"yaml/again", yamlEdits(entry), `models:
    - name: aitunnel
      model: old # chosen by me
      provider: openai
      roles: [chat]
      apiKey: "x"
`, `models:
    - name: aitunnel
      apiBase: http://localhost:9000/v1
      model: m1 # chosen by me
      provider: openai
      roles: [chat]
      apiKey: at-token
`},
		{"yaml/none", yamlEdits(entry), "name: x\nmodels: []\n", "name: x\nmodels:\n  - name: aitunnel\n    provider: openai\n    model: m1\n    apiBase: http://localhost:9000/v1\n    apiKey: at-token\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.edit([]byte(test.old))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
			again, err := test.edit(got)
			if err != nil || string(again) != string(got) {
				t.Errorf("a second edit changes it: %v\n%s", err, again)
			}
		})
	}
}

func TestInvalidFilesAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		edit editor
		text string
	}{
		"json":       {jsonEdits(member{[]string{"a"}, "b"}), "{\n\"a\" 1}"},
		"json/list":  {jsonEdits(member{[]string{"a"}, "b"}), "[]"},
		"json/end":   {jsonEdits(member{[]string{"a"}, "b"}), `{"b": "`},
		"json/comma": {jsonEdits(member{[]string{"a"}, "b"}), `{"b": 1 "c": 2}`},
		"toml":       {tomlEdits(entry), "model_providers = { x = {} }\n"},
		"yaml":       {yamlEdits(entry), "models: [{name: a}]\n"},
		"yaml/bad":   {yamlEdits(entry), "models: [\n"},
	} {
		if out, err := test.edit([]byte(test.text)); err == nil {
			t.Errorf("%s: became %s", name, out)
		}
	}
}

// Every file of every app can be parsed.
func TestFilesOfApps(t *testing.T) {
	for _, a := range Apps() {
		if a.Files == nil {
			continue
		}
		for _, f := range a.Files(entry, t.TempDir()) {
			text, err := f.Text()
			if err != nil {
				t.Fatal(err)
			}
			var v any
			switch {
			case strings.HasSuffix(f.Path, ".json"):
				err = json.Unmarshal([]byte(text), &v)
			case strings.HasSuffix(f.Path, ".yaml"):
				err = yaml.Unmarshal([]byte(text), &v)
			}
			if err != nil {
				t.Errorf("%s: %v\n%s", f.Path, err, text)
			}
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add("{}", "a")
	f.Add("{ // c\n a: {b: [1,'}',],},}", "b")
	edit := func(name string) editor { return jsonEdits(member{[]string{"x", name}, "v"}) }
	f.Fuzz(func(t *testing.T, text, name string) {
		if !utf8.ValidString(name) {
			return
		}
		out, err := edit(name)([]byte(text))
		if err != nil {
			return
		}
		if json.Valid([]byte(text)) && !json.Valid(out) {
			t.Errorf("%q became %q", text, out)
		}
		if again, err := edit(name)(out); err != nil || string(again) != string(out) {
			t.Errorf("%q: a second edit gives %v, %q after %q", text, err, again, out)
		}
	})
}
