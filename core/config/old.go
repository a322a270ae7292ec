package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"
)

// IsOld says that path names a file of the earlier program, which was YAML.
// It is read as if it had been converted; nothing can be written into it.
func IsOld(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".yaml" || ext == ".yml"
}

// Convert returns the configuration that means what an old file says, in the
// usual layout. The report holds what could not be carried over.
func Convert(path string, text []byte) ([]byte, Report) {
	l := &loader{sources: map[string]*source{}, secrets: &secrets{}, inputs: map[string]string{}, config: defaults(path)}
	blocks := l.convert(path, text)
	report := Report{diags: l.diags, sources: l.sources, secrets: l.secrets, inputs: l.inputs}
	if report.HasErrors() {
		return nil, report
	}
	return printOld(path, blocks), report
}

// old takes up an old file as if its conversion had been parsed. What stands
// in it keeps its place: reports name the lines of the old file.
func (l *loader) old(path string, text []byte) {
	for _, b := range l.convert(path, text) {
		if b.kind == "" {
			for _, a := range b.attributes {
				l.top = append(l.top, a.syntax())
			}
			continue
		}
		l.blocks = append(l.blocks, b.syntax())
	}
}

// convert makes the blocks that mean what an old file says.
func (l *loader) convert(path string, text []byte) []*oldBlock {
	c := &converter{loader: l, source: &source{name: path, text: text, old: true}}
	l.last, l.sources[path] = path, c.source
	for i, line := range strings.SplitAfter(string(text), "\n") {
		c.lines = append(c.lines, len(line))
		if i > 0 {
			c.lines[i] += c.lines[i-1]
		}
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		c.syntax(err)
		return nil
	}
	if len(document.Content) == 0 {
		l.fail(l.start(), "Empty file", "The file is empty: a file of the earlier program has channels, or sites, with their targets and keys.")
		return nil
	}
	c.note(document.Content[0])
	return c.file(c.open(document.Content[0], "at the top level"))
}

// converter is the reading of one old file.
type converter struct {
	*loader
	source *source
	lines  []int // where each line ends, in bytes
	blocks []*oldBlock

	first     bool            // it is of the first version
	interval  *yaml.Node      // of health checks that name none
	reconnect func(*oldBlock) // adds the pauses to a tunnel
	channels  []*oldChannel
}

var yamlPlace = regexp.MustCompile(`^yaml: (line \d+: )?`)

// quotedPart is a part of a message that may be a secret: an alias that was
// meant to be a key, say.
var quotedPart = regexp.MustCompile("'[^' ]{4,}'|`[^`]*`|\"[^\"]*\"")

// syntax tells what is no YAML.
func (c *converter) syntax(err error) {
	c.source.broken = true
	at := c.start()
	at.Start.Line = c.culprit()
	at.Start.Byte = c.offset(at.Start.Line - 1)
	at.End = hcl.Pos{Line: at.Start.Line, Column: 1 << 20, Byte: c.offset(at.Start.Line)}
	text := quotedPart.ReplaceAllString(yamlPlace.ReplaceAllString(err.Error(), ""), "'…'")
	c.fail(at, "The file is not valid YAML", sentence(text)+" The usual reasons are the indentation of a line, and a colon or star in a string without quotes.")
}

// culprit is the line with which the text ceases to be YAML. The library names
// the line where the surrounding block began, or the next one.
func (c *converter) culprit() int {
	const most = 3000
	for n := min(len(c.lines), most) - 1; n > 0; n-- {
		var part yaml.Node
		if yaml.Unmarshal(c.source.text[:c.offset(n)], &part) == nil {
			return n + 1
		}
	}
	return 1
}

// note remembers where texts stand, which may have to be hidden.
func (c *converter) note(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		c.source.texts = append(c.source.texts, c.at(n))
	}
	for _, inner := range n.Content {
		c.note(inner)
	}
}

// at is where a value stands: from its first character to its last one, on its
// first line.
func (c *converter) at(n *yaml.Node) hcl.Range {
	begin, end := c.offset(n.Line-1), c.offset(n.Line)
	line := []rune(string(c.source.text[begin:end]))
	first := min(n.Column-1, len(line))
	last := first + c.width(n, line[first:])
	pos := func(column int) hcl.Pos {
		return hcl.Pos{Line: n.Line, Column: column + 1, Byte: begin + len(string(line[:column]))}
	}
	return hcl.Range{Filename: c.source.name, Start: pos(first), End: pos(last)}
}

func (c *converter) offset(line int) int {
	switch {
	case line <= 0:
		return 0
	case line > len(c.lines):
		return len(c.source.text)
	}
	return c.lines[line-1]
}

// width is how many characters of rest, the rest of a line, a value takes.
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

// oldValue is one value of an attribute, and where it comes from.
func (c *converter) caution(n *yaml.Node, summary, format string, args ...any) {
	c.loader.caution(c.at(n), summary, fmt.Sprintf(format, args...))
}

func (c *converter) wrong(n *yaml.Node, summary, format string, args ...any) {
	c.fail(c.at(n), summary, fmt.Sprintf(format, args...))
}
