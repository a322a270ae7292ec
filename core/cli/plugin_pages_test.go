package cli

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/schemadoc"
)

var update = flag.Bool("update", false, "write the generated pages")

// pagesDir has a page for each built-in component, with the text of `aitunnel plugin info`.
const pagesDir = "../../docs/plugins"

func builtinDescription(t testing.TB) sdk.Description {
	t.Helper()
	d, err := command.Builtin(Version()).Describe()
	if err != nil {
		t.Fatal(err)
	}
	d.Name = "" // a configuration uses built-in components without the name of a plugin
	return d
}

// TestPluginPages checks that docs/plugins is what `make generate` writes from the descriptions
// of the components.
func TestPluginPages(t *testing.T) {
	t.Parallel()
	d := builtinDescription(t)
	want := map[string]string{"README.md": index(d)}
	for _, c := range d.Components {
		want[pageFile(c)] = schemadoc.Page(d, c)
	}
	if *update {
		if err := os.RemoveAll(pagesDir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(pagesDir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, page := range want {
			if err := os.WriteFile(filepath.Join(pagesDir, name), []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := map[string]string{}
	files, err := os.ReadDir(pagesDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		page, err := os.ReadFile(filepath.Join(pagesDir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name()] = strings.ReplaceAll(string(page), "\r\n", "\n")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/plugins is out of date: run make generate\n%s", diff)
	}
}

func pageFile(c sdk.ComponentDescription) string {
	return strings.ReplaceAll(string(c.Kind), "_", "-") + "-" + c.Name + ".md"
}

// index returns a page that lists the pages.
func index(d sdk.Description) string {
	var b strings.Builder
	b.WriteString("# Components that come with aitunnel\n\nThese pages are what `aitunnel plugin info NAME` prints; `make generate` writes them.\nHow to write a component of your own: [plugins.md](../plugins.md).\n")
	titles := map[sdk.Kind]string{
		sdk.KindStrategy:      "Strategies order the channels of a route",
		sdk.KindKeySelector:   "Key selectors order the keys of a channel",
		sdk.KindHealthChecker: "Health checkers find out whether a channel works",
	}
	var last sdk.Kind
	for _, c := range d.Components {
		if c.Kind != last {
			last = c.Kind
			fmt.Fprintf(&b, "\n## %s\n\n", titles[c.Kind])
		}
		summary, _, _ := strings.Cut(c.Doc, "\n\n")
		fmt.Fprintf(&b, "- [%s](%s): %s\n", c.Name, pageFile(c), summary)
	}
	return b.String()
}

var hclBlock = regexp.MustCompile("(?s)```hcl\n(.*?)```")

// TestPluginInfoPrintsThePages, which it gets from the process of the built-in plugin. The
// example on each page is a valid configuration, formatted as by `aitunnel fmt`.
func TestPluginInfoPrintsThePages(t *testing.T) {
	t.Setenv("KEY_1", "k-1")
	t.Setenv("KEY_2", "k-2")
	env := &command.Env{Out: io.Discard, Err: io.Discard, StateDir: t.TempDir()}
	err := env.WithPlugins(filepath.Join(t.TempDir(), "aitunnel.hcl"), func(h *pluginhost.Host) error {
		d := builtinDescription(t)
		for _, c := range d.Components {
			page := schemadoc.Page(d, c)
			var out bytes.Buffer
			code := Run(t.Context(), []string{"plugin", "info", c.Name, "--state-dir", env.StateDir}, strings.NewReader(""), &out, &out)
			if code != command.ExitOK || !strings.Contains(out.String(), page) {
				t.Errorf("plugin info %s does not print the page of %s:\n%s", c.Name, c.ID(), out.String())
			}
			checkExample(t, h, c.ID(), hclBlock.FindStringSubmatch(page)[1])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkExample(t *testing.T, h *pluginhost.Host, id, example string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("example.hcl", example)
	for _, name := range []string{"primary", "backup"} {
		if !strings.Contains(example, fmt.Sprintf("channel %q", name)) {
			write(name+".hcl", fmt.Sprintf("channel %q {\n  target = \"https://%s.example\"\n  auth   = \"none\"\n}\n", name, name))
		}
	}
	if _, report := daemon.Check(t.Context(), config.Options{Path: dir, Catalog: h}, h); report.HasErrors() {
		var b bytes.Buffer
		_ = report.Write(&b, false)
		t.Errorf("the example of %s:\n%s", id, b.String())
	}
	var errs bytes.Buffer
	if code := Run(t.Context(), []string{"fmt", "--check", filepath.Join(dir, "example.hcl")}, strings.NewReader(""), io.Discard, &errs); code != command.ExitOK {
		t.Errorf("the example of %s is not formatted: %s\n%s", id, errs.String(), example)
	}
}
