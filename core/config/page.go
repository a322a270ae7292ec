package config

import (
	_ "embed"
	"fmt"
	"reflect"
	"strings"
)

// prose is the text before and after the blocks.
//
//go:embed page.md
var prose string

// Page is docs/configuration.md: every block and setting that is declared.
func Page() string {
	var b strings.Builder
	before, after, _ := strings.Cut(prose, "<!-- blocks -->\n")
	b.WriteString(before)
	b.WriteString("## The top level\n\n")
	table(&b, reflect.ValueOf(defaults("")).Elem())
	for _, d := range declarations() {
		describe(&b, "## ", d)
	}
	b.WriteString(after)
	return b.String()
}

func describe(b *strings.Builder, heading string, d declaration) {
	title := d.name
	if d.label != "" {
		title += fmt.Sprintf(" %q", strings.ToUpper(d.label))
	}
	fmt.Fprintf(b, "%s%s\n\n%s", heading, title, d.doc)
	if d.repeated {
		b.WriteString(" There may be several.")
	}
	b.WriteString("\n\n")
	if d.value == nil {
		return
	}
	v := reflect.ValueOf(d.value).Elem()
	table(b, v)
	for _, s := range settingsOf(v.Type()) {
		if s.role.isBlock() && s.name != "verdict" {
			describe(b, "#"+heading, nested(s, v.Field(s.index)))
		}
		if s.block != "" {
			describe(b, "#"+heading, nested(setting{name: s.block, role: roleBlocks, doc: "A key with a label or a weight."}, reflect.Value{}))
		}
	}
}

// table lists the attributes of a block.
func table(b *strings.Builder, v reflect.Value) {
	rows := 0
	for _, s := range settingsOf(v.Type()) {
		if s.role.isBlock() {
			continue
		}
		if rows++; rows == 1 {
			b.WriteString("| setting | type | default | |\n|---|---|---|---|\n")
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", s.name, typeCell(s), defaultCell(s, v.Field(s.index)), strings.ReplaceAll(s.doc, "|", "\\|"))
	}
	if rows > 0 {
		b.WriteString("\n")
	}
}

func typeCell(s setting) string {
	switch {
	case s.enum != nil:
		return "`\"" + strings.Join(s.enum, "\"`, `\"") + "\"`"
	case s.typeName == "whole number" || s.typeName == "number":
		if s.max < 2147483647 {
			return fmt.Sprintf("%s, %s to %s", s.typeName, digits(s.min), digits(s.max))
		}
		return fmt.Sprintf("%s, at least %s", s.typeName, digits(s.min))
	}
	return s.typeName
}

func defaultCell(s setting, v reflect.Value) string {
	switch {
	case s.required:
		return "required"
	case s.words != "":
		return s.words
	case v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice || v.Kind() == reflect.Map:
		return ""
	}
	if value := defaultValue(s, v); value != "" {
		return "`" + value + "`"
	}
	return ""
}
