package core_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// root is the directory of the repository.
const root = ".."

var (
	link     = regexp.MustCompile(`!?\[[^\]]*\]\(<?([^)\s>]+)>?\)`)
	fence    = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	inline   = regexp.MustCompile("`[^`\n]*`")
	heading  = regexp.MustCompile(`(?m)^#{1,6} +(.*)$`)
	external = regexp.MustCompile(`^[a-z]+:`)
)

// documents returns the texts of all Markdown files by path, except those that are a part of
// another one.
func documents(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (name != "." && strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"bin", "dist", "node_modules", "testdata"}, d.Name())) {
			return fs.SkipDir
		}
		if path.Ext(name) != ".md" || strings.HasPrefix(name, "core/") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		out[name] = strings.ReplaceAll(string(text), "\r\n", "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// targets returns the links of a document to other files, as paths from the root with their
// anchors.
func targets(name, text string) (out []string) {
	text = inline.ReplaceAllString(fence.ReplaceAllString(text, ""), "")
	for _, found := range link.FindAllStringSubmatch(text, -1) {
		to := found[1]
		switch {
		case external.MatchString(to):
		case strings.HasPrefix(to, "#"):
			out = append(out, name+to)
		default:
			out = append(out, path.Join(path.Dir(name), to))
		}
	}
	return out
}

// anchors returns the anchors of a document's headings, as GitHub makes them.
func anchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, found := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, found[1])
		out[anchor] = true
	}
	return out
}

// TestLinksExist checks the files and the anchors that documents link to.
func TestLinksExist(t *testing.T) {
	docs := documents(t)
	count := 0
	for name, text := range docs {
		for _, target := range targets(name, text) {
			count++
			file, anchor, _ := strings.Cut(target, "#")
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s links to %s, which does not exist", name, file)
			} else if to, ok := docs[file]; ok && anchor != "" && !anchors(to)[anchor] {
				t.Errorf("%s links to %s, which has no such heading", name, target)
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d links were found", count)
	}
}

// TestEveryDocumentCanBeFound by following links from the README.
func TestEveryDocumentCanBeFound(t *testing.T) {
	docs := documents(t)
	seen := map[string]bool{}
	var follow func(string)
	follow = func(name string) {
		if info, err := os.Stat(filepath.Join(root, name)); err == nil && info.IsDir() {
			name = path.Join(name, "README.md")
		}
		if seen[name] {
			return
		}
		seen[name] = true
		for _, target := range targets(name, docs[name]) {
			file, _, _ := strings.Cut(target, "#")
			follow(file)
		}
	}
	follow("README.md")
	for name := range docs {
		if strings.HasPrefix(name, "docs/") && !seen[name] {
			t.Errorf("no link leads from the README to %s", name)
		}
	}
}

// TestREADMEIsShort, since details belong in other documents.
func TestREADMEIsShort(t *testing.T) {
	text := documents(t)["README.md"]
	if n := strings.Count(text, "\n"); n > 160 {
		t.Errorf("README.md has %d lines: move details to docs", n)
	}
}

// TestTheChineseREADMEHasTheSameCommands compares the blocks of code, which
// TestREADME runs.
func TestTheChineseREADMEHasTheSameCommands(t *testing.T) {
	docs := documents(t)
	english, chinese := fence.FindAllString(docs["README.md"], -1), fence.FindAllString(docs["README.zh-CN.md"], -1)
	if !slices.Equal(english, chinese) {
		t.Errorf("README.zh-CN.md has other blocks than README.md:\n%s\nand:\n%s", strings.Join(chinese, "\n"), strings.Join(english, "\n"))
	}
}

// TestTheWalksNameFiles checks that the files in the tables of ARCHITECTURE.md
// are in the packages in the same row.
func TestTheWalksNameFiles(t *testing.T) {
	count := 0
	for line := range strings.Lines(documents(t)["ARCHITECTURE.md"]) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.Contains(strings.Join(cells[3:], "|"), ".go`") {
			continue
		}
		for _, file := range inline.FindAllString(strings.Join(cells[3:], "|"), -1) {
			count++
			found := false
			for _, pkg := range inline.FindAllString(cells[2], -1) {
				_, err := os.Stat(filepath.Join(root, "core", strings.Trim(pkg, "`"), strings.Trim(file, "`")))
				found = found || err == nil
			}
			if !found {
				t.Errorf("%s is not in %s", file, strings.TrimSpace(cells[2]))
			}
		}
	}
	if count < 30 {
		t.Errorf("only %d files were found", count)
	}
}

// TestFilesOfTheArchitectureExist checks every file that ARCHITECTURE.md names,
// also outside of its tables: a path exists, and a bare name is that of some file.
func TestFilesOfTheArchitectureExist(t *testing.T) {
	names := map[string]bool{}
	err := filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		names[filepath.Base(name)] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range inline.FindAllString(documents(t)["ARCHITECTURE.md"], -1) {
		file = strings.Trim(file, "`")
		if filepath.Ext(file) != ".go" && filepath.Ext(file) != ".hcl" {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, file)); err != nil && (strings.Contains(file, "/") || !names[file]) {
			t.Errorf("ARCHITECTURE.md names %s, which does not exist", file)
		}
	}
}

// TestTheMessagesInDocumentsExist looks for the messages that the tables of
// troubleshooting quote in the program's sources.
func TestTheMessagesInDocumentsExist(t *testing.T) {
	var sources strings.Builder
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		sources.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	program := strings.ReplaceAll(sources.String(), `\"`, `"`)
	count := 0
	check := func(document, message string) {
		count++
		if !strings.Contains(program, message) {
			t.Errorf("%s quotes %q, which the program does not print", document, message)
		}
	}
	formats := strings.NewReplacer(`"tunnel"`, "%q", "16 KiB", "%d KiB")
	docs := documents(t)
	for _, row := range tableAfter(docs["docs/operations.md"], "## When it breaks") {
		for _, message := range inline.FindAllString(row, -1) {
			message = strings.Trim(message, "`")
			check("docs/operations.md", strings.TrimSuffix(message, " within 10s"))
		}
	}
	for _, row := range tableAfter(docs["docs/vps.md"], "## What goes wrong, and what to do") {
		for part := range strings.SplitSeq(row, "…") {
			if part = strings.TrimSpace(formats.Replace(part)); part != "" {
				check("docs/vps.md", part)
			}
		}
	}
	if count < 15 {
		t.Errorf("only %d messages were found", count)
	}
}

// tableAfter returns the first column of the table after a heading.
func tableAfter(text, heading string) (rows []string) {
	_, text, _ = strings.Cut(text, heading+"\n")
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "## ") {
			break
		}
		if cells := strings.Split(line, "|"); len(cells) >= 4 && !strings.HasPrefix(cells[1], "---") {
			rows = append(rows, cells[1])
		}
	}
	return rows[1:] // without the head
}
