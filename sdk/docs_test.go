package sdk_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	goBlock  = regexp.MustCompile("(?ms)^( *)```go\n(.*?)^ *```$")
	packages = map[string]string{
		"context": "context", "errors": "errors", "json": "encoding/json", "fmt": "fmt", "http": "net/http", "slices": "slices", "sync": "sync", "testing": "testing", "time": "time",
		"sdk": "github.com/aitunnel/aitunnel/sdk", "sdktest": "github.com/aitunnel/aitunnel/sdk/sdktest",
	}
)

// TestCodeOfTheDocs compiles each block of docs/plugins.md, each as a package.
func TestCodeOfTheDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/plugins.md")
	if err != nil {
		t.Fatal(err)
	}
	sdkDir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	blocks := goBlock.FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 10 {
		t.Fatalf("there are %d blocks", len(blocks))
	}
	for i, b := range blocks {
		code := strings.ReplaceAll("\n"+b[2], "\n"+b[1], "\n")
		var imports strings.Builder
		for name, path := range packages {
			if regexp.MustCompile(`\b` + name + `\.`).MatchString(code) {
				fmt.Fprintf(&imports, "import %q\n", path)
			}
		}
		name := "p"
		if strings.Contains(code, "func main()") {
			name = "main"
		}
		sub := filepath.Join(dir, fmt.Sprint("block", i+1))
		if err := os.Mkdir(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sub, "code.go"), []byte("package "+name+"\n\n"+imports.String()+code), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, requires, _ := strings.Cut(string(mod), "\n")
	mod = []byte("module docs\n" + requires + "\nrequire github.com/aitunnel/aitunnel/sdk v0.0.0\nreplace github.com/aitunnel/aitunnel/sdk => " + sdkDir + "\n")
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"go.mod": mod, "go.sum": sum} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod -trimpath -buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("a block of docs/plugins.md does not compile: %v\n%s", err, out)
	}
}
