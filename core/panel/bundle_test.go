package panel

import (
	"io/fs"
	"path"
	"strings"
	"testing"
)

// TestTheBundlesAreComplete: they contain the beginning of every module and style sheet.
func TestTheBundlesAreComplete(t *testing.T) {
	joined := map[string]string{".js": get("/assets/panel.js").Body.String(), ".css": get("/assets/panel.css").Body.String()}
	at := map[string]int{}
	err := fs.WalkDir(files, "assets", func(name string, _ fs.DirEntry, err error) error {
		all, ok := joined[path.Ext(name)]
		if !ok || name == "assets/theme.js" { // which runs before the page is painted
			return err
		}
		b, err := files.ReadFile(name)
		line, _, _ := strings.Cut(string(b), "\n")
		at[strings.TrimPrefix(name, "assets/")] = strings.Index(all, line)
		if at[strings.TrimPrefix(name, "assets/")] < 0 {
			t.Errorf("%s is not in the bundle", name)
		}
		return err
	})
	if err != nil || len(at) < 70 {
		t.Fatalf("%d files: %v", len(at), err)
	}
	if at["dom.js"] > at["card.js"] || at["card.js"] > at["channels.js"] || at["channels.js"] > at["main.js"] {
		t.Errorf("a module comes before one from which it imports: %v", at)
	}
	for _, line := range strings.Split(joined[".js"], "\n") {
		if strings.HasPrefix(line, "import ") || strings.HasPrefix(line, "export ") {
			t.Errorf("not removed in the bundle: %s", line)
		}
	}
}
