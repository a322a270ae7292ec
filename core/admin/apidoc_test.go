package admin

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

const (
	apiDoc      = "../../docs/api.md"
	tableBegin  = "<!-- The table is generated: go generate ./core/admin -->\n"
	tableEnd    = "<!-- The end of the table. -->\n"
	tokenNeeded = "token"
)

// TestAPIDoc compares the table of endpoints in docs/api.md with the endpoints,
// or writes it: go generate ./core/admin.
func TestAPIDoc(t *testing.T) {
	s := serve(t, config.Admin{}, 8)
	var table strings.Builder
	table.WriteString("| method and path | what | needs |\n|---|---|---|\n")
	for _, e := range s.api.endpoints() {
		fmt.Fprintf(&table, "| %s `%s` | %s | %s |\n", e.method, e.path, e.summary, needs(e.access))
	}
	b, err := os.ReadFile(apiDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), tableBegin)
	old, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatal("docs/api.md has no place for the table")
	}
	if old == table.String() {
		return
	}
	if !*update {
		t.Fatal("the table in docs/api.md is not up to date: run go generate ./core/admin")
	}
	if err := os.WriteFile(apiDoc, []byte(before+tableBegin+table.String()+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func needs(a access) string {
	switch a {
	case observes:
		return tokenNeeded + " ¹"
	case metricsOnly:
		return tokenNeeded + " ²"
	case public:
		return "nothing"
	}
	return tokenNeeded
}
