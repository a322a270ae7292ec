package config

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/core/verdict"
)

// Verdict is a rule of the user's about what an answer means.
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
	rules, diags := verdict.Compile(good, l.eval, origin)
	l.diags = append(l.diags, diags...)
	for i, r := range rules {
		all[i].Rule = r
	}
	return all
}

// verdictValues evaluates the attributes of a block; ok is false after a
// mistake was reported.
func (l *loader) verdictValues(b *hclsyntax.Block) (v *Verdict, ok bool) {
	v = &Verdict{Name: b.Labels[0], Values: map[string]cty.Value{}, Range: b.DefRange()}
	r := l.reader(b, "in verdict")
	ok = true
	for name, a := range b.Body.Attributes {
		value, good := r.value(a)
		if !good {
			ok = false
			continue
		}
		v.Values[name] = value
	}
	return v, ok
}

// Rules are the compiled rules of verdict blocks.
func Rules(verdicts []*Verdict) []*verdict.Rule {
	rules := make([]*verdict.Rule, 0, len(verdicts))
	for _, v := range verdicts {
		rules = append(rules, v.Rule)
	}
	return slices.Clip(rules)
}

// verdictSettings documents a verdict block; core/verdict reads it.
type verdictSettings struct {
	Status      any `hcl:"status,custom" type:"number, class or list of them" example:"[503, \"5xx\"]" doc:"Status of the answer; \"5xx\" is a class. All conditions that are given must hold."`
	ContentType any `hcl:"content_type,custom" type:"string" sample:"text/plain" doc:"Media type of the answer; * matches any characters."`
	Code        any `hcl:"code,custom" type:"expression" sample:"^rate_limit" doc:"The code of the error. An expression is RE2, written \"[0-9]\" or \"\\\\d\"."`
	Type        any `hcl:"type,custom" type:"expression" sample:"^overloaded_error$" doc:"The type of the error."`
	Message     any `hcl:"message,custom" type:"expression" example:"(?i)try again later" doc:"The message of the error."`
	JSON        any `hcl:"json,custom" type:"map of expressions" sample:"{ \"error.details.*.reason\" = \"^API_KEY_INVALID$\" }" doc:"Values in the body, by path; * is any element."`
	Header      any `hcl:"header,custom" type:"map of expressions" sample:"{ \"cf-mitigated\" = \"^challenge$\" }" doc:"Headers of the answer; \"^$\" means absent."`
	Body        any `hcl:"body,custom" type:"expression" sample:"^error code: 10" doc:"The first 64 KiB of the body. Needs status or content_type."`
	Dialect     any `hcl:"dialect,custom" type:"string or list of strings" sample:"[\"openai\"]" doc:"The API that the request speaks."`
	Endpoint    any `hcl:"endpoint,custom" type:"string or list of strings" sample:"[\"generate\"]" doc:"The kind of endpoint that was asked."`
	Method      any `hcl:"method,custom" type:"string or list of strings" sample:"[\"POST\"]" doc:"The method of the request."`
	Path        any `hcl:"path,custom" type:"string or list of strings" sample:"[\"/v1/*\"]" doc:"The path of the request; * matches any characters."`
	Model       any `hcl:"model,custom" type:"string or list of strings" sample:"[\"gpt-*\"]" doc:"The model of the request; * matches any characters."`
	Streamed    any `hcl:"streamed,custom" type:"true or false" sample:"true" doc:"Whether the caller asked for a stream."`
	Means       any `hcl:"means,custom" type:"string" required:"true" example:"overloaded" doc:"What the answer means; aitunnel verdict list shows the meanings in use."`
	Scope       any `hcl:"scope,custom" type:"string" sample:"channel" doc:"What it concerns, in place of what the meaning says."`
	After       any `hcl:"after,custom" type:"string or list of strings" sample:"[\"header:x-reset\"]" doc:"Where the answer says how long to wait: paths in the body, or header:NAME."`
	For         any `hcl:"for,custom" type:"duration" sample:"1h" doc:"How long to wait."`
	AtOnce      any `hcl:"at_once,custom" type:"true or false" sample:"true" doc:"Act on the first such answer, where the meaning asks for a second one."`
	SecondKey   any `hcl:"second_key,custom" type:"string" sample:"declined" doc:"What the answer means if a second key of the channel gets it, too."`
}
