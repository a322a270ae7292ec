package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// BlockType is the type of a rule's block in a configuration.
const BlockType = "verdict"

// CompileSource compiles a text that consists of rules only: the built-in ones,
// or those of a plugin.
func CompileSource(src []byte, filename string, origin Origin) ([]*Rule, hcl.Diagnostics) {
	file, diags := hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, ExplainEscapes(diags)
	}
	content, more := file.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: BlockType, LabelNames: []string{"name"}}}})
	diags = append(diags, more...)
	rules, more := Compile(content.Blocks, nil, origin)
	return rules, append(diags, more...)
}

// Compile compiles the rules of a configuration. ctx evaluates their values.
// All mistakes are reported, with their places; the rules may be used only if
// there is no error.
func Compile(blocks hcl.Blocks, ctx *hcl.EvalContext, origin Origin) ([]*Rule, hcl.Diagnostics) {
	var rules []*Rule
	var diags hcl.Diagnostics
	seen := map[string]*hcl.Block{}
	for _, b := range blocks {
		c := compiler{ctx: ctx, rule: &Rule{Origin: origin, Range: b.DefRange}}
		c.compile(b)
		if first := seen[c.rule.Name]; first != nil {
			c.add(b.DefRange, "Duplicate verdict", fmt.Sprintf("Verdict %q is already declared at %s. Give one of them another name.", c.rule.Name, first.DefRange))
		}
		seen[c.rule.Name] = b
		rules, diags = append(rules, c.rule), append(diags, c.diags...)
	}
	return rules, diags
}

// compiler compiles one rule.
type compiler struct {
	ctx   *hcl.EvalContext
	rule  *Rule
	diags hcl.Diagnostics
}

func (c *compiler) add(at hcl.Range, summary, detail string) {
	c.diags = append(c.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

// Setting is one of the settings of a verdict block.
type Setting struct {
	Name      string
	Condition bool // else an effect
	Text      string

	compile func(c *compiler, a *hcl.Attribute)
}

// Settings returns the settings of a verdict block, in the order in which they are
// documented and compiled.
func Settings() []Setting { return slices.Clone(settings) }

var settings = []Setting{
	{"status", true, "numbers or classes: `403`, `\"5xx\"`, `[429, \"5xx\"]`. An error inside an answer with status 200 has the status that it names; if it names none, any status matches.", (*compiler).status},
	{"content_type", true, "the media type: `\"text/html\"`, `\"text/*\"`", func(c *compiler, a *hcl.Attribute) { c.rule.contentType = strings.ToLower(c.text(a)) }},
	{"code", true, "an expression for any code that the error carries: its code, type or status, or a reason in its details. `InsufficientBalanceError` is also found as `insufficient_balance`.", func(c *compiler, a *hcl.Attribute) { c.rule.code = c.expression(a) }},
	{"type", true, "an expression for the error's type", func(c *compiler, a *hcl.Attribute) { c.rule.typ = c.expression(a) }},
	{"message", true, "an expression for the error's message; for a page, its title", func(c *compiler, a *hcl.Attribute) { c.rule.message = c.expression(a) }},
	{"json", true, "expressions for fields: `{ \"error.details.*.reason\" = \"^API_KEY_INVALID$\" }`. `*` matches any element; values are in JSON, strings without quotes.", (*compiler).json},
	{"header", true, "expressions for headers: `{ \"Cf-Mitigated\" = \"^challenge$\" }`. `\"^$\"` means that the header is absent.", (*compiler).header},
	{"body", true, "an expression for the first 64 KiB of the body. It needs `status` or `content_type`, and begins with fixed characters.", (*compiler).body},
	{"dialect", true, "the API that the request uses: `\"openai\"`, `\"anthropic\"`, `\"gemini\"`, `\"ollama\"`, or a list", (*compiler).dialect},
	{"endpoint", true, "the kind of endpoint of the request: `\"generate\"`, `\"models\"`, `\"count\"`, `\"moderation\"`, `\"rerank\"`, `\"account\"`, `\"files\"`, `\"other\"`, or a list", (*compiler).endpoint},
	{"method", true, "the method of the request: `\"POST\"`, or a list", func(c *compiler, a *hcl.Attribute) { c.rule.methods = upper(c.texts(a)) }},
	{"path", true, "the path of the request; `*` matches any characters", func(c *compiler, a *hcl.Attribute) { c.rule.paths = c.texts(a) }},
	{"model", true, "the model, as sent to the site; `*` matches any characters", func(c *compiler, a *hcl.Attribute) { c.rule.models = c.texts(a) }},
	{"streamed", true, "whether the request asks for a streamed answer", func(c *compiler, a *hcl.Attribute) { b := c.boolean(a); c.rule.streamed = &b }},
	{"means", false, "what it means: one of the meanings that `aitunnel verdict list` shows. `\"default\"` ends the search: the status decides.", (*compiler).means},
	{"scope", false, "the scope, if it is not that of the meaning: `\"key\"`, `\"key-model\"`, `\"channel\"`, `\"channel-model\"`", (*compiler).scope},
	{"after", false, "the fields or headers in which the site says how long to wait: `[\"error.details.*.retryDelay\", \"header:x-reset\"]`", (*compiler).after},
	{"for", false, "how long to wait, if `after` finds nothing: `\"1h\"`, at most `\"24h\"`", (*compiler).duration},
	{"at_once", false, "for `\"blocked\"`: one answer is enough", func(c *compiler, a *hcl.Attribute) { c.rule.AtOnce = c.boolean(a) }},
	{"second_key", false, "what it means if a second key of the channel gets the same verdict", (*compiler).secondKey},
}

func attributeNames() []string {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = s.Name
	}
	return names
}

func (c *compiler) compile(b *hcl.Block) {
	if len(b.Labels) > 0 {
		c.rule.Name = b.Labels[0]
		if !isName(c.rule.Name) {
			c.add(b.LabelRanges[0], "Invalid name of a verdict", fmt.Sprintf("%q is not a valid name: use letters, digits, \"-\" and \"_\", at most 64.", c.rule.Name))
		}
	}
	attrs, diags := b.Body.JustAttributes()
	c.diags = append(c.diags, diags...)
	for name, a := range attrs {
		if !slices.Contains(attributeNames(), name) {
			c.add(a.NameRange, "Unknown setting", fmt.Sprintf("A verdict has no setting %q. %s", name, suggest(name, attributeNames())))
		}
	}
	for _, spec := range settings {
		a := attrs[spec.Name]
		if a == nil {
			continue
		}
		spec.compile(c, a)
		if spec.Condition {
			c.rule.conditions = append(c.rule.conditions, Condition{spec.Name, c.written(a)})
		}
	}
	c.check(b, attrs)
}

// check reports what is wrong with the rule as a whole.
func (c *compiler) check(b *hcl.Block, attrs hcl.Attributes) {
	if attrs["means"] == nil {
		c.add(b.DefRange, "Missing means", "A verdict says what the answer means, for example: means = \"blocked\".")
	}
	if len(c.rule.conditions) == 0 {
		c.add(b.DefRange, "Verdict without a condition", "It would match every answer that is not good. Add a condition, such as status, code or message.")
	}
	if a := attrs["body"]; a != nil && attrs["status"] == nil && attrs["content_type"] == nil {
		c.add(a.NameRange, "body needs status or content_type", "Searching the body of every answer is slow. Say which answers are meant, for example: status = 403.")
	}
	if !hasEffects(c.rule.Means) {
		for _, name := range []string{"scope", "after", "for"} {
			if a := attrs[name]; a != nil {
				c.add(a.NameRange, fmt.Sprintf("%s has no effect", name), fmt.Sprintf("With means = %q nothing cools down. Remove %s.", c.rule.Means, name))
			}
		}
	}
	if a := attrs["at_once"]; a != nil && c.rule.Means != Blocked && c.rule.Means != "" {
		c.add(a.NameRange, "at_once has no effect", "Use it with means = \"blocked\" only.")
	}
}

// hasEffects reports whether something cools down or is disabled because of m.
func hasEffects(m Means) bool {
	switch m {
	case Good, Default, Refused, Declined, TooLarge, Suspect:
		return false
	}
	return true
}

func isName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// ExplainEscapes adds to HCL's complaint about an escape sequence how the
// backslashes of an expression are written.
func ExplainEscapes(diags hcl.Diagnostics) hcl.Diagnostics {
	for _, d := range diags {
		if d.Summary == "Invalid escape sequence" && !strings.Contains(d.Detail, "RE2") {
			d.Detail += " In an expression (RE2), double the backslash or name the characters: \"\\\\d\" or \"[0-9]\" for a digit."
		}
	}
	return diags
}

// suggest returns the value that was probably meant, or lists all.
func suggest(given string, known []string) string {
	for _, k := range known {
		if strings.EqualFold(strings.ReplaceAll(given, "-", "_"), k) || len(given) > 3 && (strings.HasPrefix(k, given) || strings.HasPrefix(given, k)) || oneEdit(given, k) {
			return fmt.Sprintf("Did you mean %q?", k)
		}
	}
	quoted := make([]string, len(known))
	for i, k := range known {
		quoted[i] = fmt.Sprintf("%q", k)
	}
	return "Valid are " + strings.Join(quoted[:len(quoted)-1], ", ") + " and " + quoted[len(quoted)-1] + "."
}

// oneEdit reports whether two words differ by one inserted, missing, changed or
// swapped letter.
func oneEdit(a, b string) bool {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	switch {
	case len(a) == len(b) && len(a) > 0:
		return a[1:] == b[1:] || len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
	case len(a) == len(b)+1:
		return a[1:] == b
	case len(b) == len(a)+1:
		return b[1:] == a
	}
	return false
}
