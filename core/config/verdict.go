package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// Verdict is a rule of the configuration about what an answer means.
type Verdict struct {
	Name   string
	Values map[string]cty.Value // as they are written, evaluated
	Rule   *verdict.Rule
	Range  hcl.Range
}

// verdicts compiles blocks. Their values are evaluated here first, so that wrong
// references are reported as in every other block.
func (l *loader) verdicts(blocks []*hclsyntax.Block, origin verdict.Origin) []*Verdict {
	var all []*Verdict
	var good hcl.Blocks
	for _, b := range blocks {
		if v, ok := l.verdictValues(b); ok {
			all, good = append(all, v), append(good, b.AsHCLBlock())
		}
	}
	rules, diags := verdict.Compile(good, l.Context(), origin)
	l.Diags = append(l.Diags, diags...)
	for i, r := range rules {
		all[i].Rule = r
	}
	return all
}

// verdictValues evaluates the attributes of a block; ok is false after it reported an error.
func (l *loader) verdictValues(b *hclsyntax.Block) (v *Verdict, ok bool) {
	v = &Verdict{Name: b.Labels[0], Values: map[string]cty.Value{}, Range: b.DefRange()}
	r := l.reader(b, "in verdict")
	ok = true
	for name, a := range b.Body.Attributes {
		value, good := r.Value(a)
		if !good {
			ok = false
			continue
		}
		v.Values[name] = value
	}
	return v, ok
}

// Rules returns the compiled rules of verdict blocks.
func Rules(verdicts []*Verdict) []*verdict.Rule {
	rules := make([]*verdict.Rule, 0, len(verdicts))
	for _, v := range verdicts {
		rules = append(rules, v.Rule)
	}
	return slices.Clip(rules)
}

// verdictSettings declares the settings of a verdict block, which core/verdict reads and
// documents: see SettingDoc.
type verdictSettings struct {
	Status      any `hcl:"status,custom" type:"number, class or list of them" example:"[503, \"5xx\"]"`
	ContentType any `hcl:"content_type,custom" type:"string" sample:"text/plain"`
	Code        any `hcl:"code,custom" type:"expression" sample:"^rate_limit"`
	Type        any `hcl:"type,custom" type:"expression" sample:"^overloaded_error$"`
	Message     any `hcl:"message,custom" type:"expression" example:"(?i)try again later"`
	JSON        any `hcl:"json,custom" type:"map of expressions" sample:"{ \"error.details.*.reason\" = \"^API_KEY_INVALID$\" }"`
	Header      any `hcl:"header,custom" type:"map of expressions" sample:"{ \"cf-mitigated\" = \"^challenge$\" }"`
	Body        any `hcl:"body,custom" type:"expression" sample:"^error code: 10"`
	Dialect     any `hcl:"dialect,custom" type:"string or list of strings" sample:"[\"openai\"]"`
	Endpoint    any `hcl:"endpoint,custom" type:"string or list of strings" sample:"[\"generate\"]"`
	Method      any `hcl:"method,custom" type:"string or list of strings" sample:"[\"POST\"]"`
	Path        any `hcl:"path,custom" type:"string or list of strings" sample:"[\"/v1/*\"]"`
	Model       any `hcl:"model,custom" type:"string or list of strings" sample:"[\"gpt-*\"]"`
	Streamed    any `hcl:"streamed,custom" type:"true or false" sample:"true"`
	Means       any `hcl:"means,custom" type:"string" required:"true" example:"overloaded"`
	Scope       any `hcl:"scope,custom" type:"string" sample:"channel"`
	After       any `hcl:"after,custom" type:"string or list of strings" sample:"[\"header:x-reset\"]"`
	For         any `hcl:"for,custom" type:"duration" sample:"1h"`
	AtOnce      any `hcl:"at_once,custom" type:"true or false" sample:"true"`
	SecondKey   any `hcl:"second_key,custom" type:"string" sample:"declined"`
}

// SettingDoc returns what core/verdict says about a setting, as plain text.
func (verdictSettings) SettingDoc(name string) string {
	for _, s := range verdict.Settings() {
		if s.Name == name {
			return wording.Sentence(strings.ReplaceAll(s.Text, "`", ""))
		}
	}
	return ""
}
