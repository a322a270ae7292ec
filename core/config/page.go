package config

import (
	_ "embed"
	"fmt"
	"reflect"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/block"
	"github.com/aitunnel/aitunnel/core/config/wording"
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
	for _, s := range block.Settings(v.Type()) {
		if s.Role.IsBlock() && s.Name != "verdict" {
			describe(b, "#"+heading, nested(s, v.Field(s.Index)))
		}
		if s.Block != "" {
			describe(b, "#"+heading, nested(block.Setting{Name: s.Block, Role: block.RoleBlocks, Doc: "A key with a label or a weight."}, reflect.Value{}))
		}
	}
}

// table lists the attributes of a block.
func table(b *strings.Builder, v reflect.Value) {
	rows := 0
	for _, s := range block.Settings(v.Type()) {
		if s.Role.IsBlock() {
			continue
		}
		if rows++; rows == 1 {
			b.WriteString("| setting | type | default | |\n|---|---|---|---|\n")
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", s.Name, typeCell(s), defaultCell(s, v.Field(s.Index)), strings.ReplaceAll(s.Doc, "|", "\\|"))
	}
	if rows > 0 {
		b.WriteString("\n")
	}
}

func typeCell(s block.Setting) string {
	switch {
	case s.Enum != nil:
		return "`\"" + strings.Join(s.Enum, "\"`, `\"") + "\"`"
	case s.Type == "whole number" || s.Type == "number":
		if s.Max < 2147483647 {
			return fmt.Sprintf("%s, %s to %s", s.Type, wording.Number(s.Min), wording.Number(s.Max))
		}
		return fmt.Sprintf("%s, at least %s", s.Type, wording.Number(s.Min))
	}
	return s.Type
}

func defaultCell(s block.Setting, v reflect.Value) string {
	switch {
	case s.Required:
		return "required"
	case s.Default != "":
		return s.Default
	case v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice || v.Kind() == reflect.Map:
		return ""
	}
	if value := defaultValue(s, v); value != "" {
		return "`" + value + "`"
	}
	return ""
}
