package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aitunnel/aitunnel/core/config/block"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Example returns a configuration with every setting, or one block of it with its
// name. It is config.hcl.example, and valid as it is.
func Example(block string) (string, error) {
	var b strings.Builder
	if block == "" {
		b.WriteString(exampleHead)
	} else if !slices.Contains(BlockNames(), block) {
		if in := blockWith(block); in != "" {
			return "", fmt.Errorf("%q is part of the block %q: name that one", block, in)
		}
		return "", fmt.Errorf("there is no block %q. %s", block, wording.Instead(block, BlockNames()))
	}
	for _, d := range declarations() {
		if block != "" && block != d.name {
			continue
		}
		lines := append(comments(d.doc), blockLines(d)...)
		if block == "" && isOptionalInExample(d.name) {
			lines = commented(lines)
		}
		b.WriteString(strings.Join(lines, "\n") + "\n\n")
		if block == "" && d.name == "channel" {
			b.WriteString(backupChannel)
		}
	}
	if block == "" {
		b.WriteString(strings.Join(settingLines(reflect.ValueOf(defaults("")).Elem()), "\n") + "\n")
	}
	return strings.TrimRight(string(hclwrite.Format([]byte(b.String()))), "\n") + "\n", nil
}

// blockWith returns the name of the block whose example has the block in it, or "".
func blockWith(block string) string {
	for _, d := range declarations() {
		for _, line := range blockLines(d)[1:] {
			if line = strings.TrimLeft(line, "# "); strings.HasPrefix(line, block+" {") || strings.HasPrefix(line, block+" \"") {
				return d.name
			}
		}
	}
	return ""
}

const exampleHead = `# Every setting, with its default or an example. Copy this file to aitunnel.hcl,
# keep what you need, and run: aitunnel validate && aitunnel start -f
#
# Keys are best taken from the environment, or from a file that only you can
# read. aitunnel config example BLOCK prints one block.

`

const backupChannel = `# A second channel, used when the first is unavailable.
channel "backup" {
  target   = "https://backup-api.example"
  fallback = true

  key "team" {
    value  = env("KEY_TEAM", "put-your-key-here")
    weight = 3
  }
}

`

// isOptionalInExample reports whether a block is shown in a comment, since it needs machines
// or programs that do not exist.
func isOptionalInExample(name string) bool {
	return slices.Contains([]string{"client", "notify", "egress", "tunnel", "plugin", "verdict", "variable", "locals"}, name)
}

func blockLines(d declaration) []string {
	head := d.name
	if d.label != "" {
		head += fmt.Sprintf(" %q", d.sample)
	}
	var body []string
	switch {
	case d.value != nil:
		body = settingLines(reflect.ValueOf(d.value).Elem())
	case d.name == "locals":
		body = []string{`slow = "10m"`}
	}
	if len(body) == 0 {
		return []string{head + " {}"}
	}
	lines := []string{head + " {"}
	for _, line := range body {
		lines = append(lines, strings.TrimRight("  "+line, " "))
	}
	return append(lines, "}")
}

// settingLines returns the settings of a struct, those without an example in comments.
func settingLines(v reflect.Value) []string {
	var lines []string
	add := func(doc string, more []string) {
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(append(lines, comments(doc)...), more...)
	}
	for _, s := range block.Settings(v.Type()) {
		switch s.Role {
		case block.RoleBlock:
			add(s.Doc, blockLines(nested(s, v.Field(s.Index))))
		case block.RoleBlocks, block.RoleComponent:
			more := blockLines(nested(s, v.Field(s.Index)))
			if s.Name != "forward" {
				more = commented(more)
			}
			add(s.Doc, more)
		default:
			add(s.Doc, []string{assignment(s, v.Field(s.Index))})
			if s.Block != "" {
				add("", commented(blockLines(nested(block.Setting{Name: s.Block, Role: block.RoleBlocks}, reflect.Value{}))))
			}
		}
	}
	return lines
}

func assignment(s block.Setting, v reflect.Value) string {
	if s.Example != "" {
		return s.Name + " = " + expression(s.Example)
	}
	value := expression(s.Sample)
	if s.Sample == "" {
		value = defaultValue(s, v)
	}
	if value == "" {
		value = map[string]string{"string": `"…"`, "duration": `"30s"`}[s.Type]
	}
	return "# " + s.Name + " = " + value
}

// expression returns the value of a tag as HCL, with strings quoted.
func expression(s string) string {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s
	}
	if s == "" || s == "true" || s == "false" || strings.HasPrefix(s, "channel.") || strings.ContainsAny(s[:1], "[{") || strings.HasSuffix(s, ")") {
		return s
	}
	return quote(s)
}

func quote(s string) string { return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes()) }

// defaultValue returns the default of a setting as HCL; "" if there is none, or if words
// describe it better.
func defaultValue(s block.Setting, v reflect.Value) string {
	switch value := v.Interface().(type) {
	case time.Duration:
		if value == 0 {
			break
		}
		return quote(wording.Duration(value))
	case int64:
		return quote(wording.Size(value))
	case []int:
		return "[429, 502, 503, 504]"
	case *bool:
		return s.Default
	case Secret, []Secret, Auth:
		return s.Default
	}
	switch v.Kind() {
	case reflect.String:
		if v.String() == "" {
			return ""
		}
	case reflect.Bool, reflect.Int, reflect.Float64:
	default:
		return s.Default
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return ""
	}
	return string(text)
}

// comments wraps a text into lines of comments.
func comments(text string) (lines []string) {
	line := "#"
	for _, word := range strings.FieldsFunc(text, unicode.IsSpace) {
		if len(line)+1+len(word) > 88 && line != "#" {
			lines = append(lines, line)
			line = "#"
		}
		line += " " + word
	}
	if line != "#" {
		lines = append(lines, line)
	}
	return lines
}

func commented(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.TrimRight("# "+line, " ")
	}
	return out
}
