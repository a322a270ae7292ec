package block

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Example returns the lines of a block with all its settings.
func (ref Reference) Example(d Declaration) []string {
	head := d.Name
	if d.Label != "" {
		head += fmt.Sprintf(" %q", d.Sample)
	}
	body := d.Body
	if d.Value != nil {
		body = ref.ExampleSettings(d.Value)
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

// ExampleSettings returns lines with the settings of the struct to which settings points. Settings without an
// example are in comments.
func (ref Reference) ExampleSettings(settings any) []string {
	v := reflect.ValueOf(settings).Elem()
	var lines []string
	add := func(doc string, more []string) {
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(append(lines, Comment(doc)...), more...)
	}
	for _, s := range Settings(v.Type()) {
		switch s.Role {
		case RoleBlock:
			add(s.Doc, ref.Example(ref.Inner(s, v.Field(s.Index))))
		case RoleBlocks, RoleComponent:
			d := ref.Inner(s, v.Field(s.Index))
			more := ref.Example(d)
			if !d.Uncommented {
				more = Commented(more)
			}
			add(s.Doc, more)
		default:
			add(s.Doc, []string{assignment(s, v.Field(s.Index))})
			if s.Block != "" {
				add("", Commented(ref.Example(ref.alternative(s))))
			}
		}
	}
	return lines
}

func assignment(s Setting, v reflect.Value) string {
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

// expression returns the value of a tag as HCL: it puts a string in quotes.
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
func defaultValue(s Setting, v reflect.Value) string {
	switch value := v.Interface().(type) {
	case time.Duration:
		if value == 0 {
			break
		}
		return quote(wording.Duration(value))
	case int64:
		return quote(wording.Size(value))
	case *bool:
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

// Comment returns a text as lines of a comment.
func Comment(text string) (lines []string) {
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

// Commented returns lines that are commented out.
func Commented(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.TrimRight("# "+line, " ")
	}
	return out
}
