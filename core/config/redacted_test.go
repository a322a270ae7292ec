package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

func TestSecretsAreHiddenAndRestored(t *testing.T) {
	t.Setenv("VEIL_KEY", "value-of-the-environment")
	text := `# once: keys = ["sk-old-4711-old"], and sk-ancient0123456789abcdef
# tunnel "vps" {
#   host = "203.0.113.10"
#   user = "deploy-2026"
#   identity = "~/.ssh/id_ed25519"
#   forward "127.0.0.1:9000" {}
# }
# models = ["claude-sonnet-4-5", "gpt-5-mini"], target = "https://site1.example/v1"
# token = "aside-secret-77", url = "https://user:sk-77@site.example", host = "sk-pasted0123456789abcdef"
variable "v" {
  default   = "sk-default-123"
  sensitive = true
}
locals { aside = "sk-in-a-local-9" }
admin { token = "token-of-admin-77" }
channel "a" {
  target = "https://a.example"
  keys   = ["sk-literal-1", "k2", local.aside, env("VEIL_KEY"), <<-EOT
    sk-heredoc-5
    EOT
  ]
  key "team" { value = "sk-team-\"q\"-1" }
  # value-of-the-environment was here
}
channel "b" {
  target = "https://b.example"
  keys   = [var.v]
}
`
	path := filepath.Join(t.TempDir(), "aitunnel.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, good := config.Load(t.Context(), config.Options{Path: path, Catalog: builtins{}})
	for name, content := range map[string]string{"valid": strings.Replace(text, "<<-EOT\n    sk-heredoc-5\n    EOT\n", "\n", 1), "heredoc": text, "broken": text + "\nchannel \"c\" {\n keys = [\"sk-broken-123\"\n"} {
		_, report := config.Load(t.Context(), config.Options{Path: path, Catalog: builtins{}, Texts: map[string][]byte{path: []byte(content)}})
		if name == "valid" && report.HasErrors() {
			t.Fatal(report.Lines())
		}
		v := report.Redact([]byte("seed"), good)
		shown := v.Files[0].Text
		for _, secret := range []string{"sk-", "k2", "value-of-the", "token-of-admin", "heredoc-5", "aside-secret", "user:"} {
			if strings.Contains(shown, secret) {
				t.Errorf("%s: %s is shown:\n%s", name, secret, shown)
			}
		}
		if name != "broken" && (!strings.Contains(shown, `channel "a" {`) || !strings.Contains(shown, `target = "https://a.example"`) || !strings.Contains(shown, `env("VEIL_KEY")`) ||
			!strings.Contains(shown, `host = "203.0.113.10"`) || !strings.Contains(shown, `"deploy-2026"`) || !strings.Contains(shown, `"~/.ssh/id_ed25519"`) ||
			!strings.Contains(shown, `forward "127.0.0.1:9000" {}`) || !strings.Contains(shown, `["claude-sonnet-4-5", "gpt-5-mini"], target = "https://site1.example/v1"`)) {
			t.Errorf("%s: too much is hidden:\n%s", name, shown)
		}
		if strings.Count(shown, "\n") != strings.Count(content, "\n") {
			t.Errorf("%s: lines have moved", name)
		}
		back, wrong := config.Restored(v, path, shown)
		if string(back) != content || wrong.HasErrors() {
			t.Errorf("%s: what comes back is another text: %v\n%s", name, wrong.Lines(), back)
		}
		_, wrong = config.Restored(v, path, "a\nkey = \"(hidden:0123456789abcdef)\"\n")
		if lines := wrong.Lines(); len(lines) != 1 || !strings.HasPrefix(lines[0], path+":2:8: Unknown placeholder") {
			t.Errorf("%s: a placeholder of nothing: %v", name, lines)
		}
	}
}
