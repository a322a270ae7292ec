package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

// Secrets are hidden in the text of a configuration, also in comments and in text that does not parse. They
// are restored when the text comes back.
func TestSecretsAreHiddenAndRestored(t *testing.T) {
	t.Setenv("HIDDEN_KEY", "value-of-the-environment")
	valid := `# formerly: keys = ["sk-old-4711-old"], and sk-ancient0123456789abcdef
# tunnel "vps" {
#   host = "203.0.113.10"
#   user = "deploy-2026"
#   identity = "~/.ssh/id_ed25519"
#   forward "127.0.0.1:9000" {}
# }
# models = ["claude-sonnet-4-5", "gpt-5-mini"], target = "https://site1.example/v1"
# token = "commented-secret-77", url = "https://user:sk-77@site.example", host = "sk-pasted0123456789abcdef"
variable "v" {
  default   = "sk-default-123"
  sensitive = true
}
locals { spare = "sk-in-a-local-9" }
admin { token = "token-of-admin-77" }
channel "a" {
  target = "https://a.example"
  keys   = ["sk-literal-1", "k2", local.spare, env("HIDDEN_KEY"),
  ]
  key "team" { value = "sk-team-\"q\"-1" }
  # value-of-the-environment was here
}
channel "b" {
  target = "https://b.example"
  keys   = [var.v]
}
`
	path := filepath.Join(t.TempDir(), config.FileName)
	if err := os.WriteFile(path, []byte(valid), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(text string) config.Report {
		_, report := config.Load(t.Context(), config.Options{Path: path, Catalog: builtins{}, Texts: map[string][]byte{path: []byte(text)}})
		return report
	}
	running := load(valid)
	if running.HasErrors() {
		t.Fatal(running.Lines())
	}
	for _, tt := range []struct {
		name, text string
		parses     bool
	}{
		{"valid", valid, true},
		{"heredoc", strings.Replace(valid, `env("HIDDEN_KEY"),`, "env(\"HIDDEN_KEY\"), <<-EOT\n    sk-heredoc-5\n    EOT\n", 1), true},
		{"broken", valid + "\nchannel \"c\" {\n keys = [\"sk-broken-123\"\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			texts := load(tt.text).Redact([]byte("seed"), running)
			shown := texts.Files[0].Text
			for _, secret := range []string{"sk-", "k2", "value-of-the", "token-of-admin", "heredoc-5", "commented-secret", "user:"} {
				if strings.Contains(shown, secret) {
					t.Errorf("%s is shown:\n%s", secret, shown)
				}
			}
			for _, harmless := range []string{
				`channel "a" {`, `target = "https://a.example"`, `env("HIDDEN_KEY")`,
				`host = "203.0.113.10"`, `"deploy-2026"`, `"~/.ssh/id_ed25519"`, `forward "127.0.0.1:9000" {}`,
				`["claude-sonnet-4-5", "gpt-5-mini"], target = "https://site1.example/v1"`,
			} {
				if tt.parses && !strings.Contains(shown, harmless) {
					t.Errorf("%s is not shown:\n%s", harmless, shown)
				}
			}
			if strings.Count(shown, "\n") != strings.Count(tt.text, "\n") {
				t.Error("the number of lines has changed")
			}
			restored, report := config.Restored(texts, path, shown)
			if string(restored) != tt.text || report.HasErrors() {
				t.Errorf("the restored text differs: %v\n%s", report.Lines(), restored)
			}
			_, report = config.Restored(texts, path, "a\nkey = \"(hidden:0123456789abcdef)\"\n")
			if lines := report.Lines(); len(lines) != 1 || !strings.HasPrefix(lines[0], path+":2:8: Unknown placeholder") {
				t.Errorf("an unknown placeholder is reported as %v", lines)
			}
		})
	}
}
