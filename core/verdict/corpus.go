package verdict

import (
	"bufio"
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/dialect"
)

//go:embed testdata/*.txtar
var corpusFiles embed.FS

// Case is an answer of a real site, with the right verdict.
type Case struct {
	Name    string // of the file, without its ending
	Source  string // a project and the number of an issue, or an API's documentation
	Note    string
	Request Request
	Wire    string // the answer as it was received
	Empty   bool   // the answer ended without content
	Same    bool   // a redirect stays at its origin
	Want    Expectation
}

// Expectation is the right verdict of a case.
type Expectation struct {
	Means     Means
	Scope     Scope
	For       time.Duration
	AtOnce    bool
	SecondKey Means
}

// Expectation returns the part of a verdict that a case records.
func (v Verdict) Expectation() Expectation {
	return Expectation{v.Means, v.Scope, v.For, v.AtOnce, v.SecondKey}
}

// String returns the expectation as it is written in a case's file.
func (e Expectation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "means: %s\nscope: %s\n", e.Means, e.Scope)
	if e.For > 0 {
		fmt.Fprintf(&b, "for: %s\n", e.For)
	}
	if e.AtOnce {
		b.WriteString("at_once: true\n")
	}
	if e.SecondKey != "" {
		fmt.Fprintf(&b, "second_key: %s\n", e.SecondKey)
	}
	return b.String()
}

// Corpus are all cases, by name.
var Corpus = sync.OnceValue(func() []Case {
	var cases []Case
	names, err := fs.Glob(corpusFiles, "testdata/*.txtar")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, name := range names {
		text, err := corpusFiles.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		c, err := ParseCase(strings.TrimSuffix(strings.TrimPrefix(name, "testdata/"), ".txtar"), string(text))
		if err != nil {
			panic(fmt.Sprintf("%s: %v", name, err)) // held by a test
		}
		cases = append(cases, c)
	}
	slices.SortFunc(cases, func(a, b Case) int { return cmp.Compare(a.Name, b.Name) })
	return cases
})

// ParseCase reads a case's file: a description, and the sections "-- request --",
// "-- answer --" and "-- verdict --".
func ParseCase(name, text string) (Case, error) {
	c := Case{Name: name}
	parts := sections(text)
	source, note, _ := strings.Cut(parts[""], "\n")
	c.Source, c.Note = strings.TrimSpace(strings.TrimPrefix(source, "Source:")), strings.TrimSpace(note)
	c.Wire = parts["answer"]
	if c.Wire == "" {
		return c, fmt.Errorf("there is no section \"answer\"")
	}
	if err := fields(parts["request"], c.request); err != nil {
		return c, fmt.Errorf("request: %w", err)
	}
	if err := fields(parts["verdict"], c.verdict); err != nil {
		return c, fmt.Errorf("verdict: %w", err)
	}
	return c, nil
}

// sections splits a text at lines like "-- name --"; what is before the first
// one has the name "".
func sections(text string) map[string]string {
	parts := map[string]string{}
	name := ""
	for line := range strings.Lines(text) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(n, " --") {
			name = strings.TrimSuffix(n, " --")
			continue
		}
		parts[name] += line
	}
	return parts
}

// fields calls set with each line "name: value".
func fields(text string, set func(name, value string) error) error {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		if err := set(name, strings.TrimSpace(value)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (c *Case) request(name, value string) error {
	switch name {
	case "dialect":
		c.Request.Dialect = value
	case "endpoint":
		c.Request.Endpoint = dialect.Endpoint(value)
	case "method":
		c.Request.Method = value
	case "path":
		c.Request.Path = value
	case "model":
		c.Request.Model = value
	case "streamed":
		c.Request.Streamed = value == "true"
	case "empty":
		c.Empty = value == "true"
	case "same_origin":
		c.Same = value == "true"
	default:
		return fmt.Errorf("unknown field")
	}
	return nil
}

func (c *Case) verdict(name, value string) error {
	var err error
	switch name {
	case "means":
		c.Want.Means = Means(value)
	case "scope":
		c.Want.Scope = Scope(value)
	case "for":
		c.Want.For, err = time.ParseDuration(value)
	case "at_once":
		c.Want.AtOnce = value == "true"
	case "second_key":
		c.Want.SecondKey = Means(value)
	default:
		return fmt.Errorf("unknown field")
	}
	return err
}

// CaseTime is the time at which the answers of the corpus were received, unless
// they have a date.
var CaseTime = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// Answer returns the case's answer as Judge takes it.
func (c Case) Answer() (Answer, error) {
	a, err := ParseWire(c.Wire)
	a.Request, a.Empty, a.SameOrigin = c.Request, c.Empty, c.Same
	return a, err
}

// ParseWire reads an answer as it was received: a status line, headers,
// an empty line and the body. In an event stream it takes the first event that
// is an error, as a relay that holds an answer until its first content does.
func ParseWire(wire string) (Answer, error) {
	a := Answer{Now: CaseTime}
	head, body := cutHead(wire)
	r := textproto.NewReader(bufio.NewReader(strings.NewReader(head + "\n\n")))
	line, err := r.ReadLine()
	if err != nil {
		return a, fmt.Errorf("no status line: %w", err)
	}
	_, status, _ := strings.Cut(line, " ")
	status, _, _ = strings.Cut(status, " ")
	if a.Status, err = strconv.Atoi(status); err != nil {
		return a, fmt.Errorf("%q is not a status line", line)
	}
	if a.Status < 200 && a.Status != http.StatusSwitchingProtocols && strings.HasPrefix(body, "HTTP/") {
		return ParseWire(body) // curl -i prints a 100 Continue too
	}
	h, err := r.ReadMIMEHeader()
	if err != nil {
		return a, fmt.Errorf("headers: %w", err)
	}
	a.Header = http.Header(h)
	if date, err := http.ParseTime(a.Header.Get("Date")); err == nil {
		a.Now = date
	}
	a.Body = []byte(body)
	a.Event = a.good() && isEventStream(a.Body)
	if data, ok := errorEvent(a.Body); ok && a.Event {
		a.Body, a.Error = data, true
	}
	return a, nil
}

// cutHead splits an answer at its first empty line.
func cutHead(wire string) (head, body string) {
	head, body, _ = strings.Cut(wire, "\n\n")
	if h, b, ok := strings.Cut(wire, "\r\n\r\n"); ok && len(h) < len(head) {
		return h, b
	}
	return head, body
}
