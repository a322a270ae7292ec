package connect

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// envEdits sets variables in a file of NAME=value lines.
func envEdits(variables [][2]string) editor {
	return func(text []byte) ([]byte, error) {
		lines := splitLines(text)
		for _, v := range variables {
			set := v[0] + "=" + v[1]
			if i := slices.IndexFunc(lines, func(l string) bool { return envName(l) == v[0] }); i >= 0 {
				lines[i] = set
			} else {
				lines = append(lines, set)
			}
		}
		return joinLines(lines), nil
	}
}

// envName returns the variable that a line sets.
func envName(line string) string {
	name, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
	if !ok {
		return ""
	}
	return strings.TrimSpace(name)
}

func splitLines(text []byte) []string {
	s := strings.TrimSuffix(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

func joinLines(lines []string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }

// provider is the table of the proxy in Codex's file.
const provider = "model_providers.aitunnel"

// tomlEdits makes the proxy the provider in Codex's file.
func tomlEdits(e Entry) editor {
	return func(text []byte) ([]byte, error) {
		doc := &toml{lines: splitLines(text)}
		if inlineProviders().Match(text) {
			return nil, errors.New("model_providers is written on one line: add the table [" + provider + "] by hand")
		}
		doc.set("", "model_provider", "aitunnel")
		for _, v := range [][2]string{{"name", "aitunnel"}, {"base_url", e.v1()}, {"env_key", token}, {"wire_api", "responses"}} {
			doc.set(provider, v[0], v[1])
		}
		return joinLines(doc.lines), nil
	}
}

// toml is a TOML file as lines.
type toml struct{ lines []string }

// inlineProviders matches providers that are not written as tables.
var inlineProviders = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^\s*model_providers\s*(=|\.\s*aitunnel\s*(=|\.))`)
})

// section returns the range of the lines of a table, without its header; ok is false if it does
// not exist. The table "" is the part before the first table.
func (t *toml) section(table string) (from, to int, ok bool) {
	current, long := "", ""
	from, ok = 0, table == ""
	for i, line := range t.lines {
		if long != "" { // within a string of several lines
			if strings.Contains(line, long) {
				long = ""
			}
			continue
		}
		for _, quotes := range []string{`"""`, `'''`} {
			if strings.Count(line, quotes)%2 == 1 {
				long = quotes
			}
		}
		header, is := tableName(line)
		if !is {
			continue
		}
		if ok && current == table {
			return from, i, true
		}
		if current = header; current == table {
			from, ok = i+1, true
		}
	}
	return from, len(t.lines), ok
}

// tableName returns the name in the header of a table.
func tableName(line string) (string, bool) {
	s := strings.TrimSpace(line)
	if !strings.HasPrefix(s, "[") {
		return "", false
	}
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return "", false
	}
	return strings.NewReplacer(" ", "", `"`, "").Replace(strings.TrimLeft(s[:end], "[")), true
}

// set sets a string in a table, which is added at the end of the file if there
// is none.
func (t *toml) set(table, key, value string) {
	line := key + " = " + strconv.Quote(value)
	from, to, ok := t.section(table)
	if !ok {
		if len(t.lines) > 0 {
			t.lines = append(t.lines, "")
		}
		t.lines = append(t.lines, "["+table+"]", line)
		return
	}
	at := from
	for i := from; i < to; i++ {
		name, old, is := strings.Cut(t.lines[i], "=")
		if is && strings.TrimSpace(name) == key {
			t.lines[i] = line + trailingComment(old)
			return
		}
		if table != "" && strings.TrimSpace(t.lines[i]) != "" {
			at = i + 1
		}
	}
	t.lines = slices.Insert(t.lines, at, line)
	if table == "" && to == 0 && len(t.lines) > 1 {
		t.lines = slices.Insert(t.lines, 1, "")
	}
}

// trailingComment returns the comment after a value, with a space before it.
func trailingComment(value string) string {
	quote := rune(0)
	for i, c := range value {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && c == '#':
			return " " + value[i:]
		}
	}
	return ""
}

// yamlEdits adds the proxy's model to Continue's file.
func yamlEdits(e Entry) editor {
	return func(text []byte) ([]byte, error) {
		values := [][2]string{{"name", "aitunnel"}, {"provider", "openai"}, {"model", e.model()}, {"apiBase", e.v1()}, {"apiKey", e.Token}}
		lines := splitLines(text)
		if len(lines) == 0 {
			lines = []string{"name: My config", "version: 0.0.1", "schema: v1", "", "models:"}
		}
		out, err := editModels(lines, values)
		if err != nil {
			return nil, err
		}
		return joinLines(out), nil
	}
}

func quoteYAML(s string) string {
	if regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$|^https?://[^\s#]+$`).MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

var errByHand = errors.New("its models are not written as a list of lines: add the model by hand")

func item(indent string, values [][2]string) []string {
	var out []string
	for i, v := range values {
		lead := indent + "  "
		if i == 0 {
			lead = indent + "- "
		}
		out = append(out, fmt.Sprintf("%s%s: %s", lead, v[0], quoteYAML(v[1])))
	}
	return out
}
