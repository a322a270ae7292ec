package configuration

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// verdictAnswer is the output of verdict test as JSON.
type verdictAnswer struct {
	Means       verdict.Means  `json:"means"`
	Scope       verdict.Scope  `json:"scope"`
	Text        string         `json:"text"`
	Follows     string         `json:"follows"`
	Rule        *verdictRule   `json:"rule"` // null: the status decided
	Default     string         `json:"default,omitempty"`
	ForSeconds  float64        `json:"for_seconds"`
	AtOnce      bool           `json:"at_once"`
	SecondKey   verdict.Means  `json:"second_key,omitempty"`
	Failover    bool           `json:"failover"`
	SameChannel bool           `json:"same_channel"`
	Error       normalizedForm `json:"error"`
	Draft       string         `json:"draft,omitempty"` // a rule to complete, if none matched
}

// normalizedForm is the error in the form that rules see.
type normalizedForm struct {
	Status  int    `json:"status,omitempty"`
	Code    string `json:"code,omitempty"`
	Type    string `json:"type,omitempty"`
	Message string `json:"message,omitempty"`
	Page    bool   `json:"page,omitempty"`
}

func (a *app) explainVerdict(set *verdict.Set, answer verdict.Answer, asJSON bool) error {
	out, rule := explanationOf(set, answer)
	if asJSON {
		return a.PrintJSON(out)
	}
	a.Say("Means     %s: %s", out.Means, out.Text)
	a.Say("Scope     %s", scopeText(out.Scope))
	switch {
	case rule == nil && out.Means == verdict.Good:
		a.Say("Rule      none: the answer is good")
	case rule == nil:
		a.Say("Rule      none matches; the default for %s decides", out.Default)
	default:
		a.Say("Rule      %s (%s)%s", rule.Name, rule.Origin, term.After(": ", cmp.Or(rule.Note, place(rule))))
	}
	a.Say("Effect    %s", out.Follows)
	a.Say("Then      %s", whereNext(out))
	if out.AtOnce {
		a.Say("Cooldown  at once: one such answer is enough")
	}
	if out.ForSeconds > 0 {
		a.Say("Wait      %s", time.Duration(out.ForSeconds*float64(time.Second)))
	}
	if out.SecondKey != "" {
		a.Say("Twice     %s, if a second key of the channel gets the same answer", out.SecondKey)
	}
	a.explainError(out.Error)
	if rule != nil {
		a.Say("\nConditions of the rule, which all match:")
		for _, c := range rule.Conditions {
			a.Say("  %-13s %s", c.Name, conditionText(c, rule.Found[c.Name]))
		}
	}
	if out.Draft != "" {
		a.Say("\nA rule for such answers, to complete and add to the configuration:\n\n%s", out.Draft)
	}
	return nil
}

// conditionText returns a condition as it was written, or, if that is long, what it
// matched.
func conditionText(c verdict.Condition, found string) string {
	const longest = 60
	if found == "" || len([]rune(c.Value)) <= longest {
		return shorten(c.Value)
	}
	return fmt.Sprintf("has %q", shorten(found))
}

func (a *app) explainError(e normalizedForm) {
	a.Say("\nThe error in the form that rules see:")
	if e.Status > 0 {
		a.Say("  %-13s %d", "status", e.Status)
	} else {
		a.Say("  %-13s not named", "status")
	}
	for _, f := range []verdict.Condition{{Name: "code", Value: e.Code}, {Name: "type", Value: e.Type}, {Name: "message", Value: e.Message}} {
		if f.Value != "" {
			a.Say("  %-13s %q", f.Name, shorten(f.Value))
		}
	}
	if e.Page {
		a.Say("  It is a page in place of the API's answer; message is its title.")
	}
}

func explanationOf(set *verdict.Set, answer verdict.Answer) (verdictAnswer, *verdictRule) {
	v := set.Judge(answer)
	out := verdictAnswer{
		Means: v.Means, Scope: v.Scope, Text: v.Means.Text(), Follows: v.Effect(), ForSeconds: v.For.Seconds(),
		AtOnce: v.AtOnce, SecondKey: v.SecondKey, Failover: v.Failover, SameChannel: v.SameChannel,
		Error: normalizedForm{v.Status, v.Code, v.Type, v.Message, v.Page},
	}
	if v.Origin == verdict.FromStatus {
		out.Default = v.Rule
		if v.Unknown() {
			out.Draft = verdict.Draft("my-rule", answer, v)
		}
		return out, nil
	}
	for _, r := range set.Rules() {
		if r.Name == v.Rule && r.Origin == v.Origin {
			rule := ruleFor(r)
			rule.Found = r.Found(answer)
			out.Rule = &rule
			return out, &rule
		}
	}
	return out, nil
}

func whereNext(v verdictAnswer) string {
	switch {
	case v.Means == verdict.Good, !v.Failover:
		return "the answer is passed on"
	case v.SameChannel:
		return "the next candidate is tried, or the same channel again after a pause"
	}
	return "the next candidate is tried"
}

func place(r *verdictRule) string {
	if r.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", r.File, r.Line)
}

// shorten shortens a text so that an explanation fits on one screen.
func shorten(s string) string {
	const longest = 100
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return s
}

// scopeText describes a scope.
func scopeText(s verdict.Scope) string {
	switch s {
	case verdict.ScopeRequest:
		return "this request"
	case verdict.ScopeKey:
		return "the key"
	case verdict.ScopeKeyModel:
		return "the key with this model"
	case verdict.ScopeChannel:
		return "the channel"
	case verdict.ScopeChannelModel:
		return "the channel with this model"
	case verdict.ScopeChannelEndpoint:
		return "the channel with this endpoint"
	}
	return "nothing"
}

// verdictSet returns the rules of the configuration, if there is one, and the
// built-in ones.
func (a *app) verdictSet(ctx context.Context, channel string) (*verdict.Set, error) {
	path, err := config.Find(a.Config)
	if err != nil {
		if a.Config != "" || channel != "" {
			return nil, err
		}
		return verdict.New(verdict.Options{}), nil
	}
	cfg, err := a.LoadValid(ctx, path)
	if err != nil {
		return nil, err
	}
	o := verdict.Options{User: config.Rules(cfg.Verdicts), RetryOn: cfg.Retry.On}
	if channel == "" {
		return verdict.New(o), nil
	}
	for _, c := range cfg.Channels {
		if c.Name == channel {
			o.Channel, o.Plugin = config.Rules(c.Verdicts), cfg.PluginRules(c)
			return verdict.New(o), nil
		}
	}
	return nil, fmt.Errorf("there is no channel %q in %s", channel, path)
}

// verdictChange is an answer of the corpus that the user's rules judge differently
// from the built-in ones.
type verdictChange struct {
	Answer string        `json:"answer"`
	Source string        `json:"source"`
	Rule   string        `json:"rule"`
	Before verdict.Means `json:"before"`
	After  verdict.Means `json:"after"`
	Scope  verdict.Scope `json:"scope"`
}

// verdictChanges runs the rules of a configuration over the corpus.
func verdictChanges(cfg *config.Config) []verdictChange {
	if cfg == nil {
		return nil
	}
	var all []verdictChange
	seen := map[string]bool{}
	add := func(o verdict.Options) {
		if len(o.User)+len(o.Channel)+len(o.Plugin) == 0 {
			return
		}
		for _, c := range verdict.New(o).Changes() {
			change := verdictChange{c.Case.Name, c.Case.Source, c.After.Rule, c.Before.Means, c.After.Means, c.After.Scope}
			if key := fmt.Sprint(change); !seen[key] {
				seen[key], all = true, append(all, change)
			}
		}
	}
	add(verdict.Options{User: config.Rules(cfg.Verdicts)})
	for _, ch := range cfg.Channels {
		add(verdict.Options{Channel: config.Rules(ch.Verdicts), Plugin: cfg.PluginRules(ch)})
	}
	return all
}

// sayVerdictChanges prints the answers of the corpus that the user's rules judge
// differently: this reveals a rule that is too broad.
func (a *app) sayVerdictChanges(changes []verdictChange) {
	if len(changes) == 0 {
		return
	}
	const shown = 20
	a.Say("Your verdicts change what %s of real sites mean:", term.Count(len(changes), "answer"))
	for _, c := range changes[:min(len(changes), shown)] {
		a.Say("  %s: %s, was %s, by %q (%s)", c.Answer, meansAndScope(c.After, c.Scope), c.Before, c.Rule, shorten(c.Source))
	}
	if len(changes) > shown {
		a.Say("  and %d more; --json lists them all", len(changes)-shown)
	}
}
