package panel

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	catalogLine = regexp.MustCompile(`(?m)^  '([^']+)': (.+),$`)
	placeholder = regexp.MustCompile(`\{\w+\}`)
)

// catalog reads the texts of a language by their names.
func catalog(t *testing.T, language string) map[string]string {
	t.Helper()
	names, err := fs.Glob(files, "assets/i18n/"+language+"/*.js")
	if err != nil {
		t.Fatal(err)
	}
	texts, lines := map[string]string{}, 0
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range catalogLine.FindAllStringSubmatch(string(b), -1) {
			if _, twice := texts[m[1]]; twice {
				t.Errorf("%s: %s occurs twice", language, m[1])
			}
			texts[m[1]] = m[2]
		}
		lines += strings.Count(string(b), "\n  '")
	}
	if len(texts) < 200 || lines != len(texts) {
		t.Fatalf("%s: read %d of %d texts", language, len(texts), lines)
	}
	return texts
}

// modules returns the modules of the page without the catalogs.
func modules(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	names, err := fs.Glob(files, "assets/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, "index.html") {
		b, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[path.Base(name)] = string(b)
	}
	return all
}

// TestBothLanguagesHaveTheSameTexts compares the names of texts and their placeholders.
func TestBothLanguagesHaveTheSameTexts(t *testing.T) {
	en, zh := catalog(t, "en"), catalog(t, "zh")
	for name, text := range en {
		other, ok := zh[name]
		if !ok {
			t.Errorf("%s has no Chinese text", name)
			continue
		}
		if a, b := values(text), values(other); !slices.Equal(a, b) {
			t.Errorf("%s takes %v in English and %v in Chinese", name, a, b)
		}
	}
	for name := range zh {
		if _, ok := en[name]; !ok {
			t.Errorf("%s has no English text", name)
		}
	}
}

func values(text string) []string {
	all := placeholder.FindAllString(text, -1)
	all = slices.DeleteFunc(all, func(v string) bool { return v == "{n}" }) // a singular may lack the number
	slices.Sort(all)
	return slices.Compact(all)
}

// TestEveryTextExistsAndIsUsed finds the names in the modules: complete ones, and prefixes
// that are joined with a code.
func TestEveryTextExistsAndIsUsed(t *testing.T) {
	en := catalog(t, "en")
	whole := regexp.MustCompile(`'([a-zA-Z]+(?:\.[\w-]+)+)'|data-(?:text|label)="([^"]+)"`)
	prefix := regexp.MustCompile("`([a-zA-Z]+(?:\\.[a-zA-Z]+)*\\.)\\$\\{|(?:code|has)\\('([\\w.]+)'")
	used := map[string]bool{"language.name": true}
	prefixes := []string{"said."} // sentences of the program, see i18n.js
	for file, text := range modules(t) {
		for _, m := range whole.FindAllStringSubmatch(text, -1) {
			name := m[1] + m[2]
			group, _, _ := strings.Cut(name, ".")
			known := false
			for k := range en {
				known = known || strings.HasPrefix(k, group+".")
			}
			if _, ok := en[name]; !ok && known && !strings.HasSuffix(name, ".js") {
				t.Errorf("%s uses %s, which is in no catalog", file, name)
			}
			used[name] = true
		}
		for _, m := range prefix.FindAllStringSubmatch(text, -1) {
			p := m[1]
			if p == "" {
				p = m[2] + "."
			}
			prefixes = append(prefixes, p)
		}
	}
	for name := range en {
		if !used[name] && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			t.Errorf("%s is not used", name)
		}
	}
}

// TestAllTextsAreInTheCatalogs searches the modules for words that the page would show.
func TestAllTextsAreInTheCatalogs(t *testing.T) {
	shown := regexp.MustCompile("(?:\\b(?:text|title|label|hint|placeholder|action|alt)|'aria-label'|'aria-description'): ['\"`]([^'\"`]*[a-zA-Z]{2}[^'\"`]*)['\"`]|(?:setText\\([^,]+, |confirmed\\(|failed\\(|new Error\\(|new ApiError\\()['\"`]([^'\"`]*[a-zA-Z]{2}[^'\"`]*)['\"`]|>([^<>{}]*[a-zA-Z]{3}[^<>{}]*)<")
	allowed := []string{
		"aitunnel", "admin.token", "aitunnel status", "aitunnel panel", "tunnel", "client", "notify", "127.0.0.1:9000", "proxy.client_tokens", "aitunnel connect --write", "--check", "aitunnel tunnel trust", "aitunnel tunnel test", "~/.ssh/id_ed25519", "aitunnel connect ${s.id} --write --check", "aitunnel connect ${s.id} --on ${at.tunnel}", "listen =", "proxy", // names
		"https://site.example", "primary", "gpt-*, claude-*", "gpt-4o = gpt-4o-2024-11-20", // examples
		"This page needs JavaScript. 此页面需要 JavaScript。",
	}
	for file, text := range modules(t) {
		if file == "hcl.js" || file == "icons.js" {
			continue // words of HCL, drawings
		}
		for _, m := range shown.FindAllStringSubmatch(text, -1) {
			if file != "index.html" && m[3] != "" {
				continue // not markup
			}
			words := strings.TrimSpace(m[1] + m[2] + m[3])
			if !slices.Contains(allowed, words) && !strings.HasPrefix(words, "${") && !strings.HasPrefix(words, "the page has no") {
				t.Errorf("%s shows %q, which is in no catalog", file, words)
			}
		}
	}
}

// TestTheChineseTextsUseOneWordForOneThing: for each of these the catalog has another word.
func TestTheChineseTextsUseOneWordForOneThing(t *testing.T) {
	for name, text := range catalog(t, "zh") {
		for other, word := range map[string]string{"您": "你", "方案": "计划", "限速": "限流", "重载": "重新加载", "更改": "修改", "站点回答": "站点响应", "离开": "断开"} {
			if strings.Contains(text, other) {
				t.Errorf("%s has %q, where the other texts have %q: %s", name, other, word, text)
			}
		}
	}
}
