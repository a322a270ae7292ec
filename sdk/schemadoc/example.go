package schemadoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aitunnel/aitunnel/sdk"
)

// Example returns formatted HCL that uses the component. Required settings have a sample
// value of the right type; optional ones without a default are in comments.
func Example(d sdk.Description, c sdk.ComponentDescription) string {
	var b strings.Builder
	outer := `channel "primary" {` + "\n  target = \"https://api-site.example\"\n  keys   = [env(\"KEY_1\"), env(\"KEY_2\")]\n"
	if c.Kind == sdk.KindStrategy {
		outer = `route "/**" {` + "\n  channels = [channel.primary, channel.backup]\n"
	}
	b.WriteString(outer + "\n")
	var lines []string
	if c.Kind == sdk.KindHealthChecker {
		lines = assignments([][2]string{{"interval", `"60s"`}, {"timeout", `"5s"`}})
	}
	if c.Schema != nil {
		body := schemaLines(c.Schema)
		if len(lines) > 0 && len(body) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, body...)
	}
	block(&b, "  ", fmt.Sprintf("%s %q", Block(c.Kind), Ref(d, c)), lines)
	b.WriteString("}\n")
	return b.String()
}

func block(b *strings.Builder, indent, head string, lines []string) {
	if len(lines) == 0 {
		b.WriteString(indent + head + " {}\n")
		return
	}
	b.WriteString(indent + head + " {\n")
	for _, line := range lines {
		b.WriteString(strings.TrimRight(indent+"  "+line, " ") + "\n")
	}
	b.WriteString(indent + "}\n")
}

func schemaLines(s *sdk.Schema) []string {
	var set, unset [][2]string
	for _, a := range s.Attributes {
		pair := [2]string{a.Name, sample(a)}
		if a.Required || a.Default != nil && !a.Sensitive {
			set = append(set, pair)
		} else {
			unset = append(unset, pair)
		}
	}
	lines := append(assignments(set), comment(assignments(unset))...)
	for _, inner := range s.Blocks {
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, blockLines(inner)...)
	}
	return lines
}

func blockLines(inner sdk.Block) []string {
	head := inner.Name
	if inner.Labelled {
		head += ` "name"`
	}
	var body []string
	if inner.Schema != nil {
		body = schemaLines(inner.Schema)
	}
	var b strings.Builder
	block(&b, "", head, body)
	lines := split([]string{strings.TrimSuffix(b.String(), "\n")})
	if inner.Required {
		return lines
	}
	return comment(lines)
}

func comment(lines []string) []string {
	for i := range lines {
		lines[i] = strings.TrimRight("# "+lines[i], " ")
	}
	return lines
}

// assignments aligns the equals signs, as `aitunnel fmt` does: those of lines
// that follow each other, and a value of several lines stands by itself.
func assignments(pairs [][2]string) []string {
	var lines []string
	for len(pairs) > 0 {
		n := 0
		for n < len(pairs) && !strings.Contains(pairs[n][1], "\n") {
			n++
		}
		n = max(n, 1)
		longest := 0
		for _, p := range pairs[:n] {
			longest = max(longest, len(p[0]))
		}
		for _, p := range pairs[:n] {
			lines = append(lines, split([]string{fmt.Sprintf("%-*s = %s", longest, p[0], p[1])})...)
		}
		pairs = pairs[n:]
	}
	return lines
}

func split(texts []string) []string {
	var lines []string
	for _, text := range texts {
		lines = append(lines, strings.Split(text, "\n")...)
	}
	return lines
}

// sample returns a value that the schema accepts.
func sample(a sdk.Attribute) string {
	switch {
	case a.Sensitive:
		return fmt.Sprintf("env(%q)", strings.ToUpper(a.Name))
	case a.Default != nil:
		return given(a)
	case len(a.Enum) > 0:
		return strconv.Quote(a.Enum[0])
	case a.Format == sdk.FormatDuration:
		return `"30s"`
	case a.Format == sdk.FormatSize:
		return `"64MiB"`
	}
	var t any
	_ = json.Unmarshal(a.Type, &t)
	return sampleOf(t)
}

func sampleOf(t any) string {
	switch t := t.(type) {
	case []any:
		if len(t) != 2 {
			break
		}
		if t[0] == "map" {
			return `{ "name" = ` + sampleOf(t[1]) + " }"
		}
		return "[" + sampleOf(t[1]) + "]"
	case string:
		switch t {
		case "number":
			return "1"
		case "bool":
			return "true"
		}
	}
	return `"…"`
}

// given returns the default. Go writes a minute as "1m0s".
func given(a sdk.Attribute) string {
	text := literal(a.Default, "")
	if a.Format == sdk.FormatDuration {
		text = strings.Replace(strings.Replace(text, `m0s"`, `m"`, 1), `h0m"`, `h"`, 1)
	}
	return text
}

// literal writes a JSON value in HCL. A list that is too long for a line takes
// several.
func literal(raw json.RawMessage, indent string) string {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && list != nil {
		items := make([]string, len(list))
		for i, item := range list {
			items[i] = literal(item, indent+"  ")
		}
		if one := "[" + strings.Join(items, ", ") + "]"; len(one) <= width/2 {
			return one
		}
		return "[\n" + indent + "  " + strings.Join(items, ",\n"+indent+"  ") + ",\n" + indent + "]"
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) == nil && object != nil {
		var items []string
		for _, name := range slices.Sorted(maps.Keys(object)) {
			items = append(items, fmt.Sprintf("%q = %s", name, literal(object[name], indent)))
		}
		return "{ " + strings.Join(items, ", ") + " }"
	}
	var text string
	if json.Unmarshal(raw, &text) == nil && !bytes.Equal(raw, []byte("null")) {
		return quote(text)
	}
	return string(bytes.TrimSpace(raw))
}

// quote writes a string in HCL, where ${ and %{ begin templates.
func quote(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strconv.Quote(s))
}
