package core_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/diff"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// TestThePanelKnowsTheSentencesOfTheProgram: the panel finds what the program says by its
// English sentences, so that it can say them in another language.
func TestThePanelKnowsTheSentencesOfTheProgram(t *testing.T) {
	catalog, err := os.ReadFile("panel/assets/i18n/en/activity.js")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^  '((?:said|means)\.\w+)': '(.*)',$`).FindAllStringSubmatch(string(catalog), -1) {
		texts[m[1]] = strings.ReplaceAll(m[2], `\'`, "'")
	}
	for _, m := range verdict.Meanings {
		if got := texts["means."+string(m.Means)]; got != m.Text {
			t.Errorf("means.%s is %q, and the program says %q", m.Means, got, m.Text)
		}
	}
	sources := sourcesOf(t)
	for name, text := range texts {
		if !strings.HasPrefix(name, "said.") {
			continue
		}
		for _, piece := range regexp.MustCompile(`\{\w+\}|[(),]`).Split(text, -1) {
			if piece = strings.TrimSpace(piece); len(piece) > 3 && name != "said.refusedConnection" && !strings.Contains(sources, piece) {
				t.Errorf("%s: the program does not say %q", name, piece)
			}
		}
	}
}

// TestThePanelKnowsTheRefusalsOfTheProgram: whatever the API refuses may be shown in a
// dialog, under a title in another language.
func TestThePanelKnowsTheRefusalsOfTheProgram(t *testing.T) {
	catalog, err := os.ReadFile("panel/assets/i18n/en/messages.js")
	if err != nil {
		t.Fatal(err)
	}
	shape := regexp.MustCompile(`\{\w+\}|%[qsdv]|\{\}(?::\{\})?`)
	bare := func(text string) string {
		return shape.ReplaceAllString(strings.NewReplacer(`\"`, `"`, `\'`, "'", "%s:%d", "%s").Replace(text), "{}")
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^  'said\.\w+': '(.*)',$`).FindAllStringSubmatch(string(catalog), -1) {
		known[bare(m[1])] = true
	}
	const literal = `(?:fmt\.Sprintf\()?"((?:[^"\\]|\\.)*)"`
	refusals := map[string]*regexp.Regexp{
		"daemon/adminapi": regexp.MustCompile(`\b(?:Invalid\(|NotFound\(|Refused\("\w+", )` + literal),
		"admin":           regexp.MustCompile(`\b(?:Invalid\(|NotFound\(|Refused\("\w+", )` + literal),
		"daemon/reload":   regexp.MustCompile(`return fmt\.Sprintf\("(the configuration was read from a pipe(?:[^"\\]|\\.)*)"`),
		"edit":            regexp.MustCompile(`(?:errors\.New|fmt\.Errorf)\(` + literal),
	}
	found := 0
	for folder, refusal := range refusals {
		for source, text := range sourcesIn(t, folder) {
			for _, m := range refusal.FindAllStringSubmatch(text, -1) {
				sentence := bare(strings.ReplaceAll(m[1], "%w", "%s"))
				if strings.HasSuffix(sentence, ": ") {
					sentence += "{}" // the cause follows
				}
				if found++; !known[sentence] {
					t.Errorf("%s: panel/assets/i18n/en/messages.js lacks %q", source, sentence)
				}
			}
		}
	}
	if found < 40 {
		t.Errorf("found only %d refusals", found)
	}
}

// TestThePanelKnowsWhatIsWrongWithAConfiguration: the panel finds every sentence about a
// configuration in its catalog, as a person who reads Chinese needs what is wrong, where, and what to do.
func TestThePanelKnowsWhatIsWrongWithAConfiguration(t *testing.T) {
	known := knownSentences(t, "messages", "diagnostics")
	fill := strings.NewReplacer("%q", `"x"`, "%s:%d", "file:1", "%s", "in x", "%d", "7", "%04o", "0644", "%w", "in x")
	said := map[string]string{}
	sources := map[string]string{}
	for _, folder := range []string{"config", "config/block", "config/eval", "config/hclfile"} {
		maps.Copy(sources, sourcesIn(t, folder))
	}
	for source, text := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), source, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"fail", "warn", "wrong", "warnmisplaced", "unlessmisspelled"}, strings.ToLower(f.Sel.Name)) {
				for _, a := range call.Args {
					if sentence := sentenceOf(a); strings.Contains(sentence, " ") && regexp.MustCompile(`[a-z]{2}`).MatchString(sentence) {
						said[fill.Replace(sentence)] = source
					}
				}
			}
			return true
		})
	}
	if len(said) < 100 {
		t.Errorf("found only %d sentences", len(said))
	}
	for sentence, source := range said {
		if strings.Contains(source, "legacy") {
			continue // a file of the earlier program is not edited in the panel
		}
		if !slices.ContainsFunc(known, func(r *regexp.Regexp) bool { return r.MatchString(sentence) }) {
			t.Errorf("%s: panel/assets/i18n/en/diagnostics.js lacks %q", source, sentence)
		}
	}
}

// knownSentences returns the sentences of catalogs as expressions that find them.
func knownSentences(t *testing.T, catalogs ...string) (known []*regexp.Regexp) {
	t.Helper()
	for _, name := range catalogs {
		catalog, err := os.ReadFile("panel/assets/i18n/en/" + name + ".js")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^  'said\.\w+': '(.*)',$`).FindAllStringSubmatch(string(catalog), -1) {
			pieces := regexp.MustCompile(`\{\w+\}`).Split(strings.ReplaceAll(m[1], `\'`, "'"), -1)
			for i := range pieces {
				pieces[i] = regexp.QuoteMeta(pieces[i])
			}
			known = append(known, regexp.MustCompile(`(?i)^`+strings.Join(pieces, ".+")+`\.?$`))
		}
	}
	return known
}

// TestThePanelKnowsWhatTheParserSays of common mistakes in the text of a configuration.
func TestThePanelKnowsWhatTheParserSays(t *testing.T) {
	known := knownSentences(t, "messages", "diagnostics", "parser")
	for _, text := range []string{
		"a = 'x'\n", "a = `x`\n", "a = “x”\n", "a = 1;\n", "\xff = 1\n", "a = \"x\n", "a = 1 & 2\n", "a = 1 | 2\n", "a = ~1\n", "a = 2 ** 3\n", "a: 1\n", "\"a\" = 1\n", "a\n", "a = \n", "a = ]\n", "a = [1, 2\n",
		"a = [1 2]\n", "a = { b = 1\n", "a = { b = 1 c = 2 }\n", "a = { b }\n", "a = f(1\n", "a = f(1 2)\n", "a = (1\n", "a = b[1\n", "a = \"${b\"\n", "a = \"\\q\"\n", "a = b.\n", "a = 1\na = 2\n", "a = true ? 1\n",
		"b {\n", "b {\n  c = 1\n", "b { c = 1, d = 2 }\n", "b { c = 1\n}\n", "b \"x\" = 1\n", "b = {\n", "b {}\nc {", "b {} c {}\n", "b\n{\n}\n", "b \"x {\n}\n", "a = https://x.test\n", "a = #\n", "a = \"x\" \"y\"\n", "}\n", "- a = 1\n", "b c d e\n",
	} {
		path := filepath.Join(t.TempDir(), "aitunnel.hcl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, report := config.Load(t.Context(), config.Options{Path: path})
		if !report.HasErrors() {
			t.Errorf("%q is valid", text)
		}
		for _, d := range report.Diagnostics() {
			for _, sentence := range []string{d.Summary, d.Detail} {
				if sentence != "" && !slices.ContainsFunc(known, func(r *regexp.Regexp) bool { return r.MatchString(sentence) }) {
					t.Errorf("%q: panel/assets/i18n/en/parser.js lacks %q", text, sentence)
				}
			}
		}
	}
}

// sentenceOf returns the literal, or the format of the call of fmt.Sprintf, that an expression consists of.
func sentenceOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.CallExpr:
		if len(e.Args) > 0 {
			return sentenceOf(e.Args[0])
		}
	}
	return ""
}

// TestThePanelKnowsTheReasonsOfPlans of the built-in strategies and key selectors.
func TestThePanelKnowsTheReasonsOfPlans(t *testing.T) {
	catalog, err := os.ReadFile("panel/assets/i18n/en/activity.js")
	if err != nil {
		t.Fatal(err)
	}
	literal, found := regexp.MustCompile(`\b[rR]eason:\s+"([^"]+)"|plan\(req\.\w+, rule, "([^"]+)"`), 0
	for _, folder := range []string{"strategies", "keyselectors"} {
		for source, text := range sourcesIn(t, "../plugins/"+folder) {
			for _, m := range literal.FindAllStringSubmatch(text, -1) {
				if found++; !strings.Contains(string(catalog), "': '"+m[1]+m[2]+"',\n") {
					t.Errorf("%s: the catalog lacks %q", source, m[1]+m[2])
				}
			}
		}
	}
	if found < 7 {
		t.Errorf("found only %d reasons", found)
	}
}

// sourcesOf returns the text of the program.
func sourcesOf(t *testing.T) string {
	var all strings.Builder
	read := func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	}
	if err := errors.Join(filepath.WalkDir(".", read), filepath.WalkDir("../plugins", read)); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// sourcesIn returns the Go files of a folder, without tests, by their paths.
func sourcesIn(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources[file] = string(text)
	}
	return sources
}

// TestThePanelKnowsTheEffectsOfChanges: the panel shows what a change does to the live
// state by its code.
func TestThePanelKnowsTheEffectsOfChanges(t *testing.T) {
	for _, language := range []string{"en", "zh"} {
		catalog, err := os.ReadFile("panel/assets/i18n/" + language + "/setup.js")
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range diff.Effects() {
			m := regexp.MustCompile(`(?m)^  'effect\.` + string(code) + `': '(.*)',$`).FindSubmatch(catalog)
			if m == nil {
				t.Errorf("%s: the effect %s has no text", language, code)
			} else if want := (diff.Change{}).WithEffect(code).Effect; language == "en" && string(m[1]) != want {
				t.Errorf("the effect %s is %q in the panel, but %q elsewhere", code, m[1], want)
			}
		}
	}
}

// TestThePanelKnowsTheStatesOfPlugins: the panel shows the state of a plugin's process, and what
// the lock file says of its executable, by their codes.
func TestThePanelKnowsTheStatesOfPlugins(t *testing.T) {
	codes := map[string]string{}
	for _, s := range pluginhost.States {
		codes["processState."+string(s)] = ""
	}
	for _, s := range trust.States {
		codes["lock."+string(s)] = s.Text()
	}
	for _, language := range []string{"en", "zh"} {
		catalog, err := os.ReadFile("panel/assets/i18n/" + language + "/app.js")
		if err != nil {
			t.Fatal(err)
		}
		for code, want := range codes {
			if strings.Contains(code, " ") {
				t.Errorf("%q is not a code", code)
			}
			m := regexp.MustCompile(`(?m)^  '` + regexp.QuoteMeta(code) + `': '(.*)',$`).FindSubmatch(catalog)
			if m == nil {
				t.Errorf("%s: %s has no text", language, code)
			} else if language == "en" && want != "" && string(m[1]) != want {
				t.Errorf("%s is %q in the panel, but %q elsewhere", code, m[1], want)
			}
		}
	}
}

// TestThePanelKnowsWhyTunnelsFail: the panel shows on the card of a tunnel and in its test why it does
// not work, so its catalog has whatever the SSH client and the tunnels report.
func TestThePanelKnowsWhyTunnelsFail(t *testing.T) {
	known := knownSentences(t, "tunnels", "setup")
	report := regexp.MustCompile(`\b(?:temporary|permanent|untrusted|stepError)\((?:\w+\.)?(?:Step\w+|c\.presents\([^"]*\)), "((?:[^"\\]|\\.)*)"`)
	sample := regexp.MustCompile(`%(?:\[\d\])?[0-9]*[qsdv]`)
	found := 0
	for _, folder := range []string{"sshclient", "tunnel"} {
		for source, text := range sourcesIn(t, folder) {
			for _, m := range report.FindAllStringSubmatch(text, -1) {
				sentence, err := strconv.Unquote(`"` + m[1] + `"`)
				if err != nil {
					t.Fatal(err)
				}
				if sentence = sample.ReplaceAllString(sentence, "x"); sentence == "x" {
					continue // made elsewhere
				}
				if found++; !slices.ContainsFunc(known, func(r *regexp.Regexp) bool { return r.MatchString(sentence) }) {
					t.Errorf("%s: panel/assets/i18n/en/tunnels.js lacks %q", source, sentence)
				}
			}
		}
	}
	if found < 60 {
		t.Errorf("found only %d sentences", found)
	}
}

// TestThePanelKnowsTheBuiltInComponents: the panel lists what each of them does.
func TestThePanelKnowsTheBuiltInComponents(t *testing.T) {
	known, found := knownSentences(t, "components"), 0
	doc := regexp.MustCompile("(?m)^\\s*Doc:\\s+[`\"]([^`\"\n]+)")
	for _, folder := range []string{"strategies", "keyselectors", "healthcheckers"} {
		for source, text := range sourcesIn(t, "../plugins/"+folder) {
			for _, m := range doc.FindAllStringSubmatch(text, -1) {
				if found++; !slices.ContainsFunc(known, func(r *regexp.Regexp) bool { return r.MatchString(m[1]) }) {
					t.Errorf("%s: panel/assets/i18n/en/components.js lacks %q", source, m[1])
				}
			}
		}
	}
	if found < 13 {
		t.Errorf("found only %d components", found)
	}
}

// TestThePanelKnowsWhatTheLogSays of channels, keys and tunnels.
func TestThePanelKnowsWhatTheLogSays(t *testing.T) {
	known, found := knownSentences(t, "events", "tunnels", "activity"), 0
	said := map[string]*regexp.Regexp{
		"channel": regexp.MustCompile(`\b(?:announce\(\w+, |Message: )(?:fmt\.Sprintf\()?"((?:[^"\\]|\\.)*)"`),
		"tunnel":  regexp.MustCompile(`\breturn fmt\.Sprintf\("((?:up|degraded|waiting|failed): (?:[^"\\]|\\.)*)"`),
	}
	for folder, literal := range said {
		for source, text := range sourcesIn(t, folder) {
			for _, m := range literal.FindAllStringSubmatch(text, -1) {
				sentence := regexp.MustCompile(`%[qsdv]`).ReplaceAllString(m[1], "x")
				if strings.HasSuffix(sentence, ": ") {
					sentence += "x" // the cause follows
				}
				if found++; sentence != "paused" && !slices.ContainsFunc(known, func(r *regexp.Regexp) bool { return r.MatchString(sentence) }) {
					t.Errorf("%s: panel/assets/i18n/en/events.js lacks %q", source, sentence)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("found only %d sentences", found)
	}
}

// TestThePanelKnowsTheProblemsOfTheMachine: the panel shows them by their codes.
func TestThePanelKnowsTheProblemsOfTheMachine(t *testing.T) {
	for _, language := range []string{"en", "zh"} {
		catalog, err := os.ReadFile("panel/assets/i18n/" + language + "/app.js")
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range admin.ProblemCodes {
			if !strings.Contains(string(catalog), "\n  'problem."+code+"': '") {
				t.Errorf("%s: the problem %s has no text", language, code)
			}
		}
	}
}
