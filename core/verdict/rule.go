package verdict

import (
	"mime"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/aitunnel/aitunnel/core/dialect"
)

// Rule says what one kind of answer means. All of its conditions must hold.
type Rule struct {
	Name   string
	Origin Origin
	Range  hcl.Range // where it is written
	Note   string    // the comment before it, of built-in rules

	// Conditions.
	statuses    []statusRange
	contentType string
	code        *pattern
	typ         *pattern
	message     *pattern
	body        *pattern
	json        []jsonCondition
	headers     []headerCondition
	dialects    []string
	endpoints   []string
	methods     []string
	paths       []string
	models      []string
	streamed    *bool

	// Effects.
	Means     Means
	Scope     Scope // "" is that of the meaning
	For       time.Duration
	AtOnce    bool
	SecondKey Means
	after     []afterPath

	conditions []Condition
}

// Condition is one of a rule's conditions as it was written.
type Condition struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Conditions returns the rule's conditions as they were written.
func (r *Rule) Conditions() []Condition { return slices.Clone(r.conditions) }

// Found returns the parts of an answer that the rule's expressions match, by the names
// of its conditions.
func (r *Rule) Found(a Answer) map[string]string {
	f := normalize(a)
	if f == nil {
		return nil
	}
	found := map[string]string{}
	look := func(name string, p *pattern, texts ...string) {
		if p == nil {
			return
		}
		for _, text := range texts {
			if at := p.re().FindStringIndex(text); at != nil {
				found[name] = text[at[0]:at[1]]
				return
			}
		}
	}
	look("code", r.code, slices.Concat(f.codes, f.plainCodes)...)
	look("type", r.typ, f.typ)
	look("message", r.message, f.words)
	look("body", r.body, string(f.body))
	return found
}

type statusRange struct{ from, to int }

type jsonCondition struct {
	path  []string
	value *pattern
}

type headerCondition struct {
	name   string
	value  *pattern
	absent bool // "^$": the header must be absent or empty
}

type afterPath struct {
	header string
	path   []string
}

// pattern is an expression, with words at least one of which occurs in any text that it
// matches: looking for them first costs a hundredth of running the expression. Most
// expressions never run, so they are compiled on first use.
type pattern struct {
	text     string
	re       func() *regexp.Regexp
	literals []string // in lower case; none if nothing is known
	prefixed bool     // what it matches begins with fixed characters
}

// compiled returns a function that compiles the expression on its first call: compiling
// all would take a tenth of the time in which a command starts.
func compiled(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// newPattern makes a pattern of an expression that has been parsed.
func newPattern(text string, parsed *syntax.Regexp) *pattern {
	return &pattern{
		text:     text,
		re:       compiled(text),
		literals: requiredLiterals(parsed),
	}
}

// match looks for the expression in text; lowered is text in lower case, or "" if
// computing it would cost more than it saves.
func (p *pattern) match(text, lowered string) bool {
	if p == nil {
		return true
	}
	if lowered != "" && !p.mayMatch(lowered) {
		return false
	}
	return p.re().MatchString(text)
}

func (p *pattern) mayMatch(lowered string) bool {
	return len(p.literals) == 0 || slices.ContainsFunc(p.literals, func(l string) bool { return strings.Contains(lowered, l) })
}

// onStatus reports whether the rule applies to answers with this status. An unknown
// status satisfies any condition; a non-standard one, such as 420, any condition for
// its class.
func (r *Rule) onStatus(status int) bool {
	return len(r.statuses) == 0 || status == 0 || slices.ContainsFunc(r.statuses, func(s statusRange) bool {
		return s.from <= status && status <= s.to || !isKnownStatus(status) && isKnownStatus(s.from) && s.from/100 == status/100
	})
}

// matches reports whether all conditions but the status hold, cheap ones first.
func (r *Rule) matches(f *failure, a *Answer) bool {
	return r.onRequest(&a.Request) && r.onHeader(f) &&
		(r.code == nil || f.hasCode(r.code)) &&
		(r.typ == nil || f.typ != "" && r.typ.match(f.typ, "")) &&
		r.onJSON(f) &&
		(r.message == nil || f.message != "" && f.hasMessage(r.message)) &&
		r.onBody(f)
}

// hasCode reports whether one of the error's codes matches.
func (f *failure) hasCode(p *pattern) bool {
	for i, c := range f.codes {
		if p.match(c, f.loweredCodes[i]) || f.plainCodes[i] != "" && p.match(f.plainCodes[i], f.plainCodes[i]) {
			return true
		}
	}
	return false
}

// hasMessage reports whether the error's message matches, in simplified characters or
// as it was written.
func (f *failure) hasMessage(p *pattern) bool {
	return f.hasWords(p) || f.words != f.message && p.re().MatchString(f.message)
}

func (f *failure) hasWords(p *pattern) bool {
	if len(p.literals) > 0 {
		if f.grams == nil {
			f.grams = newTrigrams(f.lowered)
		}
		if !slices.ContainsFunc(p.literals, func(l string) bool { return f.grams.mayContain(l) && strings.Contains(f.lowered, l) }) {
			return false
		}
	}
	return p.re().MatchString(f.words)
}

func (r *Rule) onRequest(q *Request) bool {
	return among(r.dialects, q.Dialect) && among(r.endpoints, string(q.endpoint())) && among(r.methods, q.Method) &&
		globs(r.paths, q.Path) && globs(r.models, q.Model) && (r.streamed == nil || *r.streamed == q.Streamed)
}

func (q Request) endpoint() dialect.Endpoint {
	if q.Endpoint == "" {
		return dialect.Generate
	}
	return q.Endpoint
}

func among(want []string, given string) bool { return len(want) == 0 || slices.Contains(want, given) }

func globs(want []string, given string) bool {
	return len(want) == 0 || slices.ContainsFunc(want, func(p string) bool { return glob(p, given) })
}

// glob reports whether a pattern matches the text; "*" matches any characters.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, parts[last])
}

func (r *Rule) onHeader(f *failure) bool {
	if r.contentType != "" && !glob(r.contentType, f.media()) {
		return false
	}
	for _, c := range r.headers {
		values := f.header.Values(c.name)
		if c.absent != (strings.Join(values, "") == "") {
			return false
		}
		if !c.absent && !slices.ContainsFunc(values, func(v string) bool { return c.value.match(v, "") }) {
			return false
		}
	}
	return true
}

// media returns the media type. It is text/html for any HTML page, whatever its header,
// and never for plain text.
func (f *failure) media() string {
	if f.page {
		return "text/html"
	}
	if media := mediaType(f.header.Get("Content-Type")); media != "text/html" || f.json {
		return media
	}
	return "text/plain"
}

func mediaType(v string) string {
	if media, _, err := mime.ParseMediaType(v); err == nil {
		return media
	}
	media, _, _ := strings.Cut(strings.ToLower(v), ";")
	return strings.TrimSpace(media)
}

func (r *Rule) onJSON(f *failure) bool {
	return f.holds(r.json) || len(r.json) > 0 && f.within != nil && f.within.holds(r.json)
}

// holds reports whether all fields are in the document.
func (f *failure) holds(fields []jsonCondition) bool {
	for _, c := range fields {
		if f.doc == nil || !f.at(c.path, func(v string) bool { return c.value.match(v, "") }) {
			return false
		}
	}
	return true
}

// at visits the fields at a path of the document. The fields of "error" are read once
// for all rules; those of a flat error are found at the path "error" too.
func (f *failure) at(path []string, visit func(string) bool) bool {
	if len(path) == 1 || path[0] != "error" {
		return f.doc.at(path, visit)
	}
	if !f.innerRead {
		f.innerRead = true
		for _, field := range f.doc {
			if field.name == "error" {
				f.inner = objectOf(field.value)
			}
		}
	}
	switch {
	case f.inner != nil:
		return f.inner.at(path[1:], visit)
	case f.doc.at(path, visit):
		return true
	}
	return f.err.at(path[1:], visit)
}

func (r *Rule) onBody(f *failure) bool {
	if r.body == nil {
		return true
	}
	if f.text == "" {
		f.text = string(asciiLower(f.body))
	}
	return r.body.mayMatch(f.text) && r.body.re().Match(f.body)
}
