package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/config"
)

// The page and the example match the declarations.
func TestGeneratedFiles(t *testing.T) {
	example, err := config.Example("")
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{"../../docs/configuration.md": config.Page(), "../../config.hcl.example": example} {
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(old), text); diff != "" {
			t.Errorf("%s: run make generate\n%s", path, diff)
		}
	}
}

func TestEverySettingIsDocumented(t *testing.T) {
	page := config.Page()
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "| `") && strings.HasSuffix(line, "|  |") {
			t.Errorf("a setting without a text: %s", line)
		}
	}
	for _, name := range config.BlockNames() {
		if !strings.Contains(page, "\n## "+name) {
			t.Errorf("the block %s is not on the page", name)
		}
	}
}

// The example of each block is valid, together with the blocks that it needs.
func TestExamplesAreValid(t *testing.T) {
	const channels = `
channel "primary" {
  target = "https://a.example"
  keys   = ["key-1"]
}
channel "backup" {
  target = "https://b.example"
  keys   = ["key-2"]
}
`
	for _, name := range append(config.BlockNames(), "") {
		t.Run(name, func(t *testing.T) {
			text, err := config.Example(name)
			if err != nil {
				t.Fatal(err)
			}
			switch name {
			case "":
			case "channel":
				text += strings.Replace(channels, `"primary"`, `"other"`, 1)
			default:
				text += channels
			}
			path := t.TempDir() + "/aitunnel.hcl"
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, report := config.Load(t.Context(), config.Options{Path: path, Catalog: builtins{}, Getenv: lookup(nil)}); report.HasErrors() {
				t.Errorf("%s\n%v", text, strings.Join(report.Lines(), "\n"))
			}
		})
	}
	if _, err := config.Example("chanel"); err == nil || !strings.Contains(fmt.Sprint(err), `"channel"`) {
		t.Errorf("%v", err)
	}
}
