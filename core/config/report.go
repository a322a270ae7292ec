package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/aitunnel/aitunnel/sdk"

	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/config/wording"
)

// Report has the errors and warnings of a configuration, with their lines. It never prints a
// secret.
type Report struct {
	diags   hcl.Diagnostics
	sources map[string]*redact.Source
	secrets *redact.Values
	inputs  map[string]string
}

// Diagnostic is one entry of a report, for programs.
type Diagnostic struct {
	Severity string `json:"severity"` // "error" or "warning"
	Summary  string `json:"summary"`
	Detail   string `json:"detail,omitempty"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`   // from 1
	Column   int    `json:"column,omitempty"` // from 1
	Snippet  string `json:"snippet,omitempty"`
	Width    int    `json:"width,omitempty"` // of the marked part of the snippet, in characters
}

// Inputs returns the files and directories that were read, each with its sum: see
// [hclfile.Sum]. If one changes, the configuration may change.
func (r Report) Inputs() map[string]string { return r.inputs }

// HasErrors reports whether the configuration cannot be used.
func (r Report) HasErrors() bool { return r.diags.HasErrors() }

// Empty reports whether there are no errors and no warnings.
func (r Report) Empty() bool { return len(r.diags) == 0 }

// Diagnostics returns the entries in the order of the files.
func (r Report) Diagnostics() []Diagnostic {
	out := make([]Diagnostic, 0, len(r.diags))
	for _, d := range r.sorted() {
		e := Diagnostic{Severity: "error", Summary: redact.KeyLike(r.secrets.Hide(d.Summary)), Detail: redact.KeyLike(r.secrets.Hide(d.Detail))}
		if d.Severity == hcl.DiagWarning {
			e.Severity = "warning"
		}
		if d.Subject != nil {
			e.File, e.Line, e.Column = d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column
			e.Snippet = redact.KeyLike(r.line(d.Subject))
			e.Width = d.Subject.End.Column - d.Subject.Start.Column
			if d.Subject.End.Line != d.Subject.Start.Line {
				e.Width = max(len([]rune(e.Snippet))-d.Subject.Start.Column+1, 0)
			}
		}
		out = append(out, e)
	}
	return out
}

// Lines returns the entries, each in one line.
func (r Report) Lines() []string {
	var out []string
	for _, d := range r.Diagnostics() {
		where := ""
		if d.File != "" {
			where = fmt.Sprintf("%s:%d:%d: ", d.File, d.Line, d.Column)
		}
		out = append(out, strings.TrimSpace(where+d.Summary+". "+d.Detail))
	}
	return out
}

// Summary returns the first error, and how many more there are. Errors that probably follow
// from others come later: a misspelled name, for example, also causes a missing attribute.
func (r Report) Summary() string {
	lines, n := r.Lines(), 0
	first, least := "", 0
	for i, d := range r.sorted() {
		if d.Severity == hcl.DiagError {
			n++
			if rank := consequence(d); n == 1 || rank < least {
				first, least = lines[i], rank
			}
		}
	}
	if n > 1 {
		return fmt.Sprintf("%s (and %d more)", first, n-1)
	}
	return first
}

// consequence returns how likely it is that an error follows from another one: 0 for an unknown name, 2 for a missing
// setting or block.
func consequence(d *hcl.Diagnostic) int {
	switch d.Summary {
	case "Unknown setting", "Unknown block":
		return 0
	case "Missing setting", "Missing block":
		return 2
	}
	return 1
}

// Write prints the report for people.
func (r Report) Write(w io.Writer, color bool) error {
	return WriteDiagnostics(w, r.Diagnostics(), color)
}

// WriteDiagnostics prints the entries of a report for people.
func WriteDiagnostics(w io.Writer, diags []Diagnostic, color bool) error {
	out := bufio.NewWriter(w)
	paint := func(code, s string) string {
		if !color {
			return s
		}
		return "\x1b[" + code + "m" + s + "\x1b[0m"
	}
	for i, d := range diags {
		if i > 0 {
			_, _ = out.WriteString("\n")
		}
		title := paint("31;1", "Error: ")
		if d.Severity == "warning" {
			title = paint("33;1", "Warning: ")
		}
		_, _ = fmt.Fprintf(out, "%s%s\n", title, paint("1", d.Summary))
		if d.File != "" {
			_, _ = fmt.Fprintf(out, "\n  on %s line %d, column %d:\n", d.File, d.Line, d.Column)
			d.snippet(out)
		}
		if d.Detail != "" {
			_, _ = fmt.Fprintf(out, "\n%s\n", d.Detail)
		}
	}
	return out.Flush()
}

// snippet prints the line, and marks the place in it.
func (d Diagnostic) snippet(out io.Writer) {
	text := []rune(d.Snippet)
	if len(text) == 0 {
		return
	}
	number := fmt.Sprintf("%4d: ", d.Line)
	_, _ = fmt.Fprintf(out, "%s%s\n", number, d.Snippet)
	begin := min(d.Column-1, len(text))
	width := min(d.Width, len(text)-begin)
	indent := make([]rune, 0, begin)
	for _, c := range text[:begin] {
		if c != '\t' {
			c = ' '
		}
		indent = append(indent, c)
	}
	_, _ = fmt.Fprintf(out, "%s%s%s\n", strings.Repeat(" ", len(number)), string(indent), strings.Repeat("^", max(width, 1)))
}

// maxSnippet is the maximum length of a line that is shown.
const maxSnippet = 4000

func (r Report) line(at *hcl.Range) string {
	s := r.sources[at.Filename]
	if s == nil {
		return ""
	}
	split := func(text []byte) [][]byte { return bytes.Split(text, []byte("\n")) }
	lines := split(s.Text)
	if at.Start.Line < 1 || at.Start.Line > len(lines) || len(lines[at.Start.Line-1]) > maxSnippet {
		return ""
	}
	lines = split(s.Masked())
	return r.secrets.Hide(strings.TrimRight(string(lines[at.Start.Line-1]), "\r"))
}

func (r Report) sorted() hcl.Diagnostics {
	out := append(hcl.Diagnostics(nil), r.diags...)
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i].Subject, out[j].Subject
		switch {
		case a == nil || b == nil:
			return a == nil && b != nil
		case a.Filename != b.Filename:
			return a.Filename < b.Filename
		case a.Start.Line != b.Start.Line:
			return a.Start.Line < b.Start.Line
		}
		return a.Start.Column < b.Start.Column
	})
	return out
}

// AddComponentError adds the errors that a plugin found in a component's block, each at the
// line of its attribute.
func (r Report) AddComponentError(c *Component, err error) Report {
	r.diags = append(hcl.Diagnostics(nil), r.diags...)
	for _, e := range flatten(err) {
		d := &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  fmt.Sprintf("The %s %q does not work", kindName(c.Kind), c.Ref),
			Detail:   wording.Sentence(e.Error()),
			Subject:  c.Range.Ptr(),
		}
		if errors.Is(e, sdk.ErrInvalidConfig) {
			d.Summary = fmt.Sprintf("Invalid configuration of the %s %q", kindName(c.Kind), c.Ref)
		}
		var configError *sdk.ConfigError
		if errors.As(e, &configError) {
			d.Detail = strings.TrimSpace(wording.Sentence(configError.Message) + " " + wording.Sentence(configError.Hint))
			d.Subject = c.At(configError.Path).Ptr()
		}
		if d.Subject.Filename == "" {
			d.Subject = nil
		}
		r.diags = append(r.diags, d)
	}
	return r
}

// ofComponent marks warnings about the blocks of components.
type ofComponent struct{}

// AddComponentWarnings adds warnings about a component's block, each at the line of its
// attribute.
func (r Report) AddComponentWarnings(c *Component, warnings []sdk.Warning) Report {
	r.diags = append(hcl.Diagnostics(nil), r.diags...)
	for _, w := range warnings {
		d := &hcl.Diagnostic{
			Severity: hcl.DiagWarning,
			Summary:  fmt.Sprintf("The %s %q gives a warning", kindName(c.Kind), c.Ref),
			Detail:   wording.Sentence(w.Message),
			Subject:  c.At(w.Path).Ptr(),
			Extra:    ofComponent{},
		}
		if d.Subject.Filename == "" {
			d.Subject = nil
		}
		r.diags = append(r.diags, d)
	}
	return r
}

// ComponentWarnings returns the warnings about components' blocks, one line for each.
func (r Report) ComponentWarnings() []string { return r.OfComponents().Lines() }

// OfComponents returns a report of only the warnings about components' blocks.
func (r Report) OfComponents() Report {
	about := Report{sources: r.sources, secrets: r.secrets}
	for _, d := range r.diags {
		if _, ok := d.Extra.(ofComponent); ok {
			about.diags = append(about.diags, d)
		}
	}
	return about
}

// Warn adds warnings without a place, except those that an entry already contains.
func (r Report) Warn(summary string, warnings []string) Report {
	r.diags = append(hcl.Diagnostics(nil), r.diags...)
	for _, w := range warnings {
		if !slices.ContainsFunc(r.diags, func(d *hcl.Diagnostic) bool { return strings.Contains(d.Detail, wording.Sentence(w)) }) {
			r.diags = append(r.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: wording.Sentence(w)})
		}
	}
	return r
}

// WarnAt adds a warning about a place.
func (r Report) WarnAt(at hcl.Range, summary, text string) Report {
	r.diags = append(append(hcl.Diagnostics(nil), r.diags...), &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: wording.Sentence(text), Subject: &at})
	return r
}

// AddSettingError adds the error that the value of a setting, such as "proxy.listen", cannot be used.
func (r Report) AddSettingError(c *Config, setting string, err error) Report {
	r.diags = append(append(hcl.Diagnostics(nil), r.diags...), &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: fmt.Sprintf("The setting %s cannot be applied", setting), Detail: wording.Sentence(err.Error()),
	})
	if at, ok := c.places[setting]; ok {
		r.diags[len(r.diags)-1].Subject = &at
	}
	return r
}

// At returns the range of the attribute or entry with this path, or of the part that encloses
// it.
func (c *Component) At(path []string) hcl.Range {
	for n := len(path); n > 0; n-- {
		if at, ok := c.attributes[strings.Join(path[:n], ".")]; ok {
			return at
		}
	}
	return c.Range
}

func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	}
	return []error{err}
}

func kindName(k sdk.Kind) string { return strings.ReplaceAll(string(k), "_", " ") }

// Redact hides the secrets of the texts of the report, and of those of other reports.
func (r Report) Redact(seed []byte, others ...Report) redact.Texts {
	known := []*redact.Values{r.secrets}
	for _, o := range others {
		known = append(known, o.secrets)
	}
	return redact.New(r.sources, seed, known...)
}

// Restored returns a text with its secrets restored: see [redact.Texts]. The report has the
// unknown placeholders.
func Restored(texts redact.Texts, name, text string) ([]byte, Report) {
	out, diags := texts.Restore(name, text)
	return out, Report{diags: diags, sources: map[string]*redact.Source{name: {Name: name, Text: []byte(text)}}, secrets: &redact.Values{}}
}
