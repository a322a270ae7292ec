package core_test

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/aitunnel/aitunnel/"

// floors are those of ARCHITECTURE.md. A package may import those below its
// own floor, and the SDK.
var floors = map[string]int{
	"core/cli":            13,
	"core/daemon":         10,
	"core/proxy":          7,
	"core/admin":          7,
	"core/panel":          6,
	"core/route":          6,
	"core/health":         6,
	"core/pluginhost":     6,
	"core/pluginsource":   1,
	"core/tunnel":         7,
	"core/sshclient":      6,
	"core/logsink":        6,
	"core/service":        0,
	"core/adminclient":    8,
	"core/edit":           6,
	"core/stats":          6,
	"core/watch":          0,
	"core/history":        6,
	"core/notify":         6,
	"core/connect":        0,
	"core/dialect":        0,
	"core/config/hclfile": 2,
	"core/config/eval":    3,
	"core/config/block":   4,
	"core/config/redact":  0,
	"core/config/wording": 0,
	"core/config/legacy":  1,
	"core/config":         5,
	"core/config/diff":    6,
	"core/price":          1,
	"core/fileaccess":     1,
	"core/channel":        1,
	"core/limit":          0,
	"core/event":          0,
	"core/fakesite":       0,
	"core/scaffold":       0,
	"core/linktest":       0,
	"core/sshdtest":       1,
	"core/testhelp":       0,
	"core/trust":          0,
	"core/upstream":       1,

	"core/upstream/proxytest": 0,
	"core/verdict/unknown":    6,
	"core/verdict":            1,

	"core/pluginsource/releasetest": 0,

	"core/cli/configuration":    12,
	"core/cli/manage":           12,
	"core/cli/plugins":          12,
	"core/cli/observe":          12,
	"core/cli/setup":            12,
	"core/cli/internal/command": 11,
	"core/cli/internal/view":    8,
	"core/cli/internal/hangup":  0,
	"core/cli/internal/term":    1,

	"core/daemon/adminapi":  9,
	"core/daemon/reload":    8,
	"core/daemon/bind":      6,
	"core/daemon/control":   0,
	"core/daemon/handover":  2,
	"core/daemon/statefile": 0,
}

func TestImportsOnlyGoDown(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{.Module.Path}}: {{join .Imports " "}}`, module+"...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		name, imports, _ := strings.Cut(strings.TrimSpace(line), ":")
		path, of, _ := strings.Cut(name, " ")
		pkg := strings.TrimPrefix(path, module)
		if _, known := floors[pkg]; !known && strings.HasPrefix(pkg, "core/") && of+"/" == module {
			t.Errorf("%s has no floor: give it one in ARCHITECTURE.md and here", pkg)
		}
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
		if from, below := floors[pkg], floors[to]; !inSDK && strings.HasPrefix(to, "core/") && below >= from {
			t.Errorf("%s (floor %d) imports %s (floor %d)", pkg, from, to, below)
		}
	}
}

// floorRow matches a package in the table of ARCHITECTURE.md.
var floorRow = regexp.MustCompile("(?m)^\\| (\\d+) \\| `(core/[^`]+)` \\|")

// TestTheArchitectureHasEveryFloor compares the table of ARCHITECTURE.md with the one here.
func TestTheArchitectureHasEveryFloor(t *testing.T) {
	written := map[string]string{}
	for _, row := range floorRow.FindAllStringSubmatch(documents(t)["ARCHITECTURE.md"], -1) {
		written[row[2]] = row[1]
	}
	checked := map[string]string{}
	for pkg, floor := range floors {
		checked[pkg] = fmt.Sprint(floor)
	}
	if diff := cmp.Diff(checked, written); diff != "" {
		t.Errorf("-here +ARCHITECTURE.md\n%s", diff)
	}
}
