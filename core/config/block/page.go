package block

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/wording"
)

// Describe writes the documentation of a block and of its nested blocks.
func (ref Reference) Describe(b *strings.Builder, heading string, d Declaration) {
	title := d.Name
	if d.Label != "" {
		title += fmt.Sprintf(" %q", strings.ToUpper(d.Label))
	}
	fmt.Fprintf(b, "%s%s\n\n%s", heading, title, d.Doc)
	if d.Repeated {
		b.WriteString(" There may be several.")
	}
	b.WriteString("\n\n")
	if d.Value == nil {
		return
	}
	Table(b, d.Value)
	v := reflect.ValueOf(d.Value).Elem()
	for _, s := range Settings(v.Type()) {
		if s.Role.IsBlock() {
			if inner := ref.Inner(s, v.Field(s.Index)); !inner.DocumentedElsewhere {
				ref.Describe(b, "#"+heading, inner)
			}
		}
		if s.Block != "" {
			ref.Describe(b, "#"+heading, ref.alternative(s))
		}
	}
}

// Table writes a table of the attributes that are declared by the struct to which settings points.
func Table(b *strings.Builder, settings any) {
	v := reflect.ValueOf(settings).Elem()
	rows := 0
	for _, s := range Settings(v.Type()) {
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

func typeCell(s Setting) string {
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

func defaultCell(s Setting, v reflect.Value) string {
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
