package core_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// variableNames are environment variables of the program in its source.
var variableNames = regexp.MustCompile(`"(AITUNNEL_[A-Z_]+)`)

// internalVariables are for the program's own processes, and for tests.
var internalVariables = regexp.MustCompile(`^AITUNNEL_(INTERNAL_|LISTENERS$|PLUGIN$|PLUGIN_RELAY$|TEST_|SDKTEST_|SOAK$|REAL$|SCREENSHOTS$|GITHUB_API$)`)

// TestEnvironmentVariablesAreDocumented in docs/operations.md.
func TestEnvironmentVariablesAreDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, dir := range []string{"core", "plugins", "sdk"} {
		err := fs.WalkDir(os.DirFS(filepath.Join(root, dir)), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return err
			}
			text, err := os.ReadFile(filepath.Join(root, dir, name))
			for _, found := range variableNames.FindAllStringSubmatch(string(text), -1) {
				seen[found[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name := range seen {
		if !internalVariables.MatchString(name) && !strings.Contains(string(page), "`"+name) {
			t.Errorf("docs/operations.md does not describe %s", name)
		}
	}
	if !seen["AITUNNEL_STATE_DIR"] || len(seen) < 6 {
		t.Errorf("only %v are seen", seen)
	}
}
