package legacy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"

	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/config/wording"
)

// Is reports whether path names a file of the earlier program, which used YAML. It is read as if it
// had been converted, and cannot be edited.
func Is(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".yaml" || ext == ".yml"
}

// Read returns the blocks that are equivalent to a file, with the places in the file. Secrets are
// added to source and values.
func Read(source *redact.Source, values *redact.Values) ([]*Block, hcl.Diagnostics) {
	c := &converter{source: source, secrets: values}
	for i, line := range strings.SplitAfter(string(source.Text), "\n") {
		c.lines = append(c.lines, len(line))
		if i > 0 {
			c.lines[i] += c.lines[i-1]
		}
	}
	return c.convert(source.Text), c.diags
}

func (c *converter) convert(text []byte) []*Block {
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	err := decoder.Decode(&document)
	if err != nil && !errors.Is(err, io.EOF) {
		c.syntax(err)
		return nil
	}
	if len(document.Content) == 0 {
		c.fail(c.start(), "Empty file", "The file is empty: a file of the earlier program has channels, or sites, with their targets and keys.")
		return nil
	}
	if err := decoder.Decode(&second); err == nil {
		c.warn(second.Content[0], "Not carried over", "This is a second document, after a line with \"---\". Only the first one is read.")
	} else if !errors.Is(err, io.EOF) {
		c.syntax(err)
		return nil
	}
	c.recordValues(document.Content[0])
	return c.file(c.open(document.Content[0], "at the top level"))
}

// converter reads one old file.
type converter struct {
	source  *redact.Source
	secrets *redact.Values
	diags   hcl.Diagnostics
	lines   []int // where each line ends, in bytes
	blocks  []*Block

	first     bool         // it is of the first version
	interval  *yaml.Node   // of health checks without one
	reconnect func(*Block) // adds the pauses to a tunnel
	channels  []*oldChannel
}

var yamlPlace = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^yaml: (line \d+: )?`) })

// quotedPart matches a part of a message that may be a secret, such as a key that was read as an
// alias.
var quotedPart = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("'[^' ]{4,}'|`[^`]*`|\"[^\"]*\"") })

// syntax reports a syntax error.
func (c *converter) syntax(err error) {
	c.source.Broken = true
	at := c.start()
	at.Start.Line = c.firstInvalidLine()
	at.Start.Byte = c.offset(at.Start.Line - 1)
	at.End = hcl.Pos{Line: at.Start.Line, Column: 1 << 20, Byte: c.offset(at.Start.Line)}
	text := quotedPart().ReplaceAllString(yamlPlace().ReplaceAllString(err.Error(), ""), "'…'")
	c.fail(at, "The file is not valid YAML", wording.Sentence(text)+" The usual reasons are the indentation of a line, and a colon or star in a string without quotes.")
}

// firstInvalidLine returns the first line at which the text is no longer valid YAML.
// The library reports the line at which the surrounding block begins, or the next one.
func (c *converter) firstInvalidLine() int {
	const most, longest = 3000, 256 << 10
	if len(c.source.Text) > longest {
		return 1 // each line is a parse of its own
	}
	for n := min(len(c.lines), most) - 1; n > 0; n-- {
		var part yaml.Node
		if yaml.Unmarshal(c.source.Text[:c.offset(n)], &part) == nil {
			return n + 1
		}
	}
	return 1
}

// recordValues stores the places of values, which may have to be hidden, and warns of tags, which are
// ignored.
func (c *converter) recordValues(n *yaml.Node) {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		c.warn(n, "Not carried over", "The tag %s is ignored: the value is read as it is written.", n.Tag)
		n.Tag = ""
	}
	if n.Kind == yaml.ScalarNode {
		c.source.Scalars = append(c.source.Scalars, c.at(n))
	}
	for _, inner := range n.Content {
		c.recordValues(inner)
	}
}

// at returns the place of a value, on its first line only.
func (c *converter) at(n *yaml.Node) hcl.Range {
	begin, end := c.offset(n.Line-1), c.offset(n.Line)
	line := []rune(string(c.source.Text[begin:end]))
	first := min(n.Column-1, len(line))
	first += tagWidth(line[first:])
	last := first + c.width(n, line[first:])
	pos := func(column int) hcl.Pos {
		return hcl.Pos{Line: n.Line, Column: column + 1, Byte: begin + len(string(line[:column]))}
	}
	return hcl.Range{Filename: c.source.Name, Start: pos(first), End: pos(last)}
}

// tagWidth returns the number of characters of the tag and anchor before a value.
func tagWidth(rest []rune) int {
	at := 0
	for at < len(rest) && (rest[at] == '!' || rest[at] == '&') {
		end := at
		for end < len(rest) && rest[end] != ' ' && rest[end] != '\t' {
			end++
		}
		for end < len(rest) && (rest[end] == ' ' || rest[end] == '\t') {
			end++
		}
		if end == len(rest) {
			break // the value is on another line
		}
		at = end
	}
	return at
}

func (c *converter) offset(line int) int {
	switch {
	case line <= 0:
		return 0
	case line > len(c.lines):
		return len(c.source.Text)
	}
	return c.lines[line-1]
}

// width returns the number of characters of a value in rest, the rest of its line.
func (c *converter) width(n *yaml.Node, rest []rune) int {
	text := strings.TrimRight(string(rest), "\r\n")
	whole := len([]rune(text))
	if n.Kind != yaml.ScalarNode {
		if i := strings.Index(text, " #"); i > 0 {
			text = text[:i]
		}
		return len([]rune(strings.TrimRight(text, " ")))
	}
	switch n.Style &^ yaml.TaggedStyle {
	case yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle:
		for i := 1; i < whole; i++ {
			switch {
			case rest[0] == '"' && rest[i] == '\\':
				i++
			case rest[i] == rest[0]:
				return i + 1
			}
		}
		return whole
	case yaml.LiteralStyle, yaml.FoldedStyle:
		return whole
	}
	return min(max(len([]rune(n.Value)), 1), whole)
}

// start returns the place for errors without a line of their own.
func (c *converter) start() hcl.Range {
	return hcl.Range{Filename: c.source.Name, Start: hcl.InitialPos, End: hcl.InitialPos}
}

func (c *converter) fail(at hcl.Range, summary, detail string) {
	c.diags = append(c.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at})
}

func (c *converter) warn(n *yaml.Node, summary, format string, args ...any) {
	at := c.at(n)
	c.diags = append(c.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: fmt.Sprintf(format, args...), Subject: &at})
}

func (c *converter) wrong(n *yaml.Node, summary, format string, args ...any) {
	c.fail(c.at(n), summary, fmt.Sprintf(format, args...))
}
