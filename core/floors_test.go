package core_test

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/aitunnel/aitunnel/"

// floors are those of ARCHITECTURE.md. A package may import those below its
// own floor, and the SDK.
var floors = map[string]int{
	"core/cli":             6,
	"core/daemon":          5,
	"core/proxy":           2,
	"core/admin":           2,
	"core/panel":           1,
	"core/route":           1,
	"core/health":          1,
	"core/pluginhost":      1,
	"core/tunnel":          2,
	"core/sshclient":       1,
	"core/logsink":         1,
	"core/edit":            1,
	"core/stats":           1,
	"core/dialect":         0,
	"core/config":          0,
	"core/channel":         0,
	"core/event":           0,
	"core/fakesite":        0,
	"core/scaffold":        0,
	"core/sshdtest":        0,
	"core/trust":           0,
	"core/verdict/unknown": 1,
	"core/verdict":         0,

	"core/cli/internal/hangup": 0,

	"core/daemon/adminapi":  4,
	"core/daemon/reload":    3,
	"core/daemon/bind":      1,
	"core/daemon/control":   0,
	"core/daemon/statefile": 0,
}

func TestImportsOnlyGoDown(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}: {{join .Imports " "}}`, module+"...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		path, imports, _ := strings.Cut(strings.TrimSpace(line), ": ")
		pkg := strings.TrimPrefix(path, module)
		for imported := range strings.FieldsSeq(imports) {
			if to, ours := strings.CutPrefix(imported, module); ours {
				seen++
				check(t, pkg, to)
			}
		}
	}
	if seen < 10 {
		t.Fatalf("only %d imports were seen:\n%s", seen, out)
	}
}

func check(t *testing.T, pkg, to string) {
	inSDK := to == "sdk" || strings.HasPrefix(to, "sdk/")
	switch {
	case pkg == "sdk" || strings.HasPrefix(pkg, "sdk/"):
		if !inSDK {
			t.Errorf("%s imports %s: the SDK imports nothing of the program", pkg, to)
		}
	case strings.HasPrefix(pkg, "examples/"):
		if !inSDK {
			t.Errorf("%s imports %s: an example is what a third party could write", pkg, to)
		}
	case strings.HasPrefix(pkg, "plugins/"):
		if to != "sdk" && !strings.HasPrefix(to, "plugins/internal/") {
			t.Errorf("%s imports %s: plugins import the SDK only", pkg, to)
		}
	case strings.HasPrefix(pkg, "core/"):
		from, known := floors[pkg]
		if !known {
			t.Errorf("%s has no floor: give it one in ARCHITECTURE.md and here", pkg)
		}
		if below, of := floors[to]; of && below >= from {
			t.Errorf("%s (floor %d) imports %s (floor %d)", pkg, from, to, below)
		}
	}
}
