package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/config"
)

// The page and the example in the repository are those that the declarations generate.
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
			t.Errorf("%s is out of date, run make generate (-file +generated):\n%s", path, diff)
		}
	}
}

func TestEverySettingIsDocumented(t *testing.T) {
	page := config.Page()
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "| `") && strings.HasSuffix(line, "|  |") {
			t.Errorf("this setting is not documented: %s", line)
		}
	}
	for _, name := range config.BlockNames() {
		if !strings.Contains(page, "\n## "+name) {
			t.Errorf("the block %s is not on the page", name)
		}
	}
}
