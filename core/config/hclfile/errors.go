package hclfile

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"github.com/aitunnel/aitunnel/core/config/redact"
)

// explain returns syntax errors in the terms of this program. It leaves out those after a string without a closing
// quote, which causes them.
func explain(diags hcl.Diagnostics, text []byte) (out hcl.Diagnostics) {
	reported := map[int]bool{} // lines with a URL without quotes
	for _, d := range diags {
		d.Expression, d.EvalContext = nil, nil
		if d.Summary == "Invalid multi-line string" {
			d.Detail = "A quoted string ends on its line: the closing quote is missing."
			return append(out, d)
		}
		if url := urlWithoutQuotes(d, text); url != nil {
			if line := url.Subject.Start.Line; !reported[line] {
				reported[line] = true
				out = append(out, url)
			}
			continue
		}
		if name := beforeColon(d, text); name != "" {
			d.Detail = fmt.Sprintf("Write %s = …, or for a block %s { … }: this is a file in HCL, where YAML and JSON have a colon.", name, name)
			return append(out, withOurTerms(d)) // the other lines have the same problem
		}
		if redact.QuotesSecret(d.Detail) {
			d.Detail = "This is not valid HCL."
		}
		out = append(out, withOurTerms(d))
	}
	return out
}

// withOurTerms replaces the terms argument and attribute, which the parser uses, by setting.
func withOurTerms(d *hcl.Diagnostic) *hcl.Diagnostic {
	switch d.Summary {
	case settingExpected:
		d.Summary = "Setting or block expected"
		if strings.HasPrefix(d.Detail, "An argument or block definition is required here.") {
			d.Detail = "Expected a setting, such as name = \"value\", or a block, such as name { … }."
		}
	case "Attribute redefined":
		d.Summary = "Duplicate setting"
		d.Detail = strings.NewReplacer("The argument", "The setting", "Each argument", "Each setting").Replace(d.Detail)
	}
	return d
}

// settingExpected is the summary of the parser's error for a line that is neither a setting nor a block.
const settingExpected = "Argument or block definition required"

// colon matches the beginning of a line as in YAML or JSON, after its braces.
var colon = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^"?([A-Za-z][\w-]*)"?\s*:(\s|$|["{\[])`) })

// beforeColon returns the name on the line of d if a colon follows it, as in YAML and JSON.
func beforeColon(d *hcl.Diagnostic, text []byte) string {
	if d.Subject == nil || d.Summary != settingExpected {
		return ""
	}
	start := bytes.LastIndexByte(text[:min(d.Subject.Start.Byte, len(text))], '\n') + 1
	if found := colon().FindSubmatch(bytes.TrimLeft(text[start:], "{ \t\r\n")); found != nil {
		return string(found[1])
	}
	return ""
}

// bareURL matches the URL of a line without quotes before it.
var bareURL = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\s*([\w-]+)?[^"#]*?)\b[A-Za-z][A-Za-z0-9+]*://[^\s,\])}"]*`)
})

// urlWithoutQuotes returns the error to report instead of d if a URL without quotes causes it; otherwise nil.
func urlWithoutQuotes(d *hcl.Diagnostic, text []byte) *hcl.Diagnostic {
	if d.Subject == nil {
		return nil
	}
	start := bytes.LastIndexByte(text[:min(d.Subject.Start.Byte, len(text))], '\n') + 1
	line, _, _ := bytes.Cut(text[start:], []byte("\n"))
	found := bareURL().FindSubmatchIndex(line)
	if found == nil {
		return nil
	}
	name := "target"
	if found[4] >= 0 && bytes.IndexByte(line[:found[3]], '=') >= 0 {
		name = string(line[found[4]:found[5]])
	}
	at := func(column int) hcl.Pos {
		return hcl.Pos{Line: d.Subject.Start.Line, Column: len([]rune(string(line[:column]))) + 1, Byte: start + column}
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "URL without quotes",
		Detail:  fmt.Sprintf("Put the URL in quotes, as in %s = \"https://api.example.com\".", name),
		Subject: &hcl.Range{Filename: d.Subject.Filename, Start: at(found[3]), End: at(found[1])},
	}
}
