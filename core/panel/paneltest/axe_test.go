package paneltest

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const axeVersion = "4.11.0"

// axeSource is the text of axe-core, fetched once by npm into the user's cache.
var axeSource = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "aitunnel-tests", "axe-"+axeVersion)
	file := filepath.Join(dir, "node_modules", "axe-core", "axe.min.js")
	if _, err := os.Stat(file); err != nil {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if out, err := exec.CommandContext(ctx, "npm", "install", "--no-save", "--ignore-scripts", "--prefix", dir, "axe-core@"+axeVersion).CombinedOutput(); err != nil {
			return "", &npmError{err, string(out)}
		}
	}
	b, err := os.ReadFile(file)
	return string(b), err
})

type npmError struct {
	err error
	out string
}

func (e *npmError) Error() string { return e.err.Error() + ": " + e.out }

// axe fails the test for what axe-core finds serious or critical in the page.
func (p *tab) axe(what string) {
	p.t.Helper()
	source, err := axeSource()
	if err != nil {
		p.t.Fatal(err)
	}
	eval[bool](p, "(() => { if (!window.axe) { "+source+" } return Boolean(window.axe); })()")
	found := eval[string](p, `axe.run(document, { resultTypes: ['violations'] }).then((r) => JSON.stringify(r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.help + ': ' + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(' | '))))`)
	var violations []string
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		p.t.Fatal(err)
	}
	for _, v := range violations {
		p.t.Errorf("%s: axe: %s", what, v)
	}
}

// needsAxe skips a test where axe-core is not available.
func needsAxe(t *testing.T) {
	t.Helper()
	if _, err := axeSource(); err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		t.Skipf("axe-core cannot be fetched by npm, so it is not run: %.200s", line)
	}
}

// TestAxeFindsNothingSerious checks every view and dialog, in both languages and themes.
func TestAxeFindsNothingSerious(t *testing.T) {
	needsAxe(t)
	s := startBusy(t, 4)
	s.sendRequests(8)
	s.breakHalf()
	s.sendRequests(8)
	p := s.open("/", 1440, 900)
	for _, language := range []string{"en", "zh"} {
		p.language(language)
		p.each(s.sites[0].Name(), func(what string) {
			t.Helper()
			for _, theme := range []string{"dark", "light"} {
				p.theme(theme)
				p.axe(language + ", " + theme + ", " + what)
			}
		})
	}
}
