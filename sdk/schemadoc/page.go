package schemadoc

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aitunnel/aitunnel/sdk"
)

// width is that of a terminal.
const width = 80

// Page returns the documentation of one component of the plugin d, in Markdown that is also
// readable as plain text. Components that come with aitunnel belong to a plugin without a
// name.
func Page(d sdk.Description, c sdk.ComponentDescription) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s %q\n\n", kindName(c.Kind), Ref(d, c))
	paragraphs(&b, c.Doc)
	if d.Name != "" {
		wrap(&b, "", "", fmt.Sprintf("It is a component of the plugin %s %s.", d.Name, d.Version))
		b.WriteString("\n")
	}
	if c.Router {
		wrap(&b, "", "", "It is asked about each request, with a deadline of 20 ms. If it does not answer in time, its plan decides.")
		b.WriteString("\n")
	}
	b.WriteString("## Example\n\n```hcl\n" + Example(d, c) + "```\n\n## Settings\n\n")
	if c.Schema == nil || len(c.Schema.Attributes)+len(c.Schema.Blocks) == 0 {
		b.WriteString("It has no settings.\n")
	} else {
		settings(&b, c.Schema, "")
	}
	b.WriteString("\n")
	wrap(&b, "", "", ofEveryBlock(c))
	return b.String()
}

// Ref returns the name of the component in a configuration.
func Ref(d sdk.Description, c sdk.ComponentDescription) string {
	if d.Name == "" {
		return c.Name
	}
	alone := 0
	for _, other := range d.Components {
		if other.Kind == c.Kind {
			alone++
		}
	}
	if alone <= 1 && c.Name == d.Name {
		return d.Name
	}
	return d.Name + "/" + c.Name
}

func kindName(k sdk.Kind) string { return strings.ReplaceAll(string(k), "_", " ") }

func paragraphs(b *strings.Builder, text string) {
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			wrap(b, "", "", p)
			b.WriteString("\n")
		}
	}
}

// settings lists attributes and blocks, those of blocks below them.
func settings(b *strings.Builder, s *sdk.Schema, indent string) {
	for _, a := range s.Attributes {
		item(b, indent, fmt.Sprintf("`%s` (%s)", a.Name, traits(a)), a.Doc)
	}
	for _, block := range s.Blocks {
		item(b, indent, fmt.Sprintf("`%s` (%s)", block.Name, blockTraits(block)), block.Doc)
		if block.Schema != nil {
			settings(b, block.Schema, indent+"  ")
		}
	}
}

func item(b *strings.Builder, indent, head, doc string) {
	if doc = strings.Join(strings.Fields(doc), " "); doc != "" {
		head += ": " + doc
	}
	wrap(b, indent+"- ", indent+"  ", head)
}

// traits returns the type and all that is to be known to write a value.
func traits(a sdk.Attribute) string {
	parts := []string{typeName(a)}
	if len(a.Enum) > 0 {
		parts[0] = "one of " + `"` + strings.Join(a.Enum, `", "`) + `"`
	}
	switch {
	case a.Required:
		parts = append(parts, "required")
	case a.Default != nil && !a.Sensitive:
		parts = append(parts, "default "+brief(given(a)))
	}
	if a.Sensitive {
		parts = append(parts, "secret")
	}
	return strings.Join(parts, "; ")
}

// brief refers to the example for what takes several lines.
func brief(value string) string {
	if strings.Contains(value, "\n") {
		return "as in the example"
	}
	return value
}

func blockTraits(b sdk.Block) string {
	text := "block"
	if b.Labelled {
		text = "block with a name"
	}
	if b.Repeated {
		text += ", as many as you like"
	}
	if b.Required {
		text += ", required"
	}
	return text
}

func typeName(a sdk.Attribute) string {
	switch a.Format {
	case sdk.FormatDuration:
		return `duration such as "1m30s"`
	case sdk.FormatSize:
		return `size such as "64MiB"`
	}
	var v any
	if json.Unmarshal(a.Type, &v) != nil {
		return string(a.Type)
	}
	return describeType(v, "")
}

// describeType names a cty type in its JSON form, which for collections is a
// list of two.
func describeType(v any, plural string) string {
	if pair, ok := v.([]any); ok && len(pair) == 2 {
		return fmt.Sprintf("%v%s of %s", pair[0], plural, describeType(pair[1], "s"))
	}
	return fmt.Sprint(v) + plural
}

// wrap writes text in lines of the width, none of which splits `code` or a
// "quotation".
func wrap(b *strings.Builder, first, rest, text string) {
	line := first
	empty := true
	for _, word := range words(text) {
		if !empty && len([]rune(line))+1+len([]rune(word)) > width {
			b.WriteString(line + "\n")
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	b.WriteString(line + "\n")
}

// words returns the parts between which a line may end.
func words(text string) []string {
	var out []string
	open := ""
	for word := range strings.FieldsSeq(text) {
		if open != "" {
			out[len(out)-1] += " " + word
		} else {
			out = append(out, word)
		}
		for _, mark := range []string{"`", `"`} {
			if strings.Count(word, mark)%2 == 1 && (open == "" || open == mark) {
				open = toggle(open, mark)
			}
		}
	}
	return out
}

func toggle(open, mark string) string {
	if open == mark {
		return ""
	}
	return mark
}
