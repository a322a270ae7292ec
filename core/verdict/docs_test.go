package verdict

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite what is generated")

const docsPage = "../../docs/verdicts.md"

// TestDocs compares docs/verdicts.md with rules and corpus; `make generate` writes it.
func TestDocs(t *testing.T) {
	want := page()
	if *update {
		if err := os.WriteFile(docsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, strings.ReplaceAll(string(got), "\r\n", "\n")); diff != "" {
		t.Errorf("docs/verdicts.md is not up to date; run make generate (-want +got):\n%s", diff)
	}
}

// TestEveryRuleHasANote: the page shows them.
func TestEveryRuleHasANote(t *testing.T) {
	for _, r := range Builtin() {
		if r.Note == "" {
			t.Errorf("%s: %q has no comment", r.Range, r.Name)
		}
	}
}

func page() string {
	var b strings.Builder
	b.WriteString(pageIntro)
	b.WriteString("\n| means | what it is | scope | effect |\n|---|---|---|---|\n")
	for _, m := range Meanings {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Means, m.Text, scopeText(m.Scope), m.Effect)
	}
	b.WriteString(pageRules)
	b.WriteString("\n| setting | |\n|---|---|\n")
	for _, s := range Settings() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", s.Name, s.Text)
	}
	b.WriteString(pageDefaults)
	b.WriteString("\n| means | statuses |\n|---|---|\n")
	for _, m := range Meanings {
		if list := statusesThatMean(m.Means); list != "" {
			fmt.Fprintf(&b, "| `%s` | %s |\n", m.Means, list)
		}
	}
	b.WriteString(pageBuiltin)
	b.WriteString("\n| verdict | what it recognizes | means | answers |\n|---|---|---|---|\n")
	answers := answersByRule()
	for _, r := range Builtin() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Name, escape(r.Note), effect(r), answers[r.Name])
	}
	return b.String()
}

func scopeText(s Scope) string {
	return map[Scope]string{
		ScopeNone: "nothing", ScopeRequest: "this request", ScopeKey: "the key", ScopeKeyModel: "the key with this model",
		ScopeChannel: "the channel", ScopeChannelModel: "the channel with this model", ScopeChannelEndpoint: "the channel with this endpoint",
	}[s]
}

// statusesThatMean lists the statuses that mean m where no rule matches, for a
// request that generates.
func statusesThatMean(m Means) string {
	var parts []string
	for n := 400; n < 600; n++ {
		if statusMeans(n, &Answer{}) != m {
			continue
		}
		last := n
		for last+1 < 600 && statusMeans(last+1, &Answer{}) == m {
			last++
		}
		if last > n {
			parts = append(parts, fmt.Sprintf("%d–%d", n, last))
		} else {
			parts = append(parts, fmt.Sprint(n))
		}
		n = last
	}
	return strings.Join(parts, ", ")
}

func effect(r *Rule) string {
	text := "`" + string(r.Means) + "`"
	if r.Scope != "" {
		text += ", " + scopeText(r.Scope)
	}
	if r.AtOnce {
		text += ", at once"
	}
	if r.For > 0 {
		text += ", for " + strings.TrimSuffix(strings.TrimSuffix(r.For.String(), "0s"), "0m")
	}
	if r.SecondKey != "" {
		text += "; `" + string(r.SecondKey) + "` if a second key agrees"
	}
	return text
}

// answersByRule returns how many answers of the corpus each rule judges, and where
// the first ones are from.
func answersByRule() map[string]string {
	sources := map[string][]string{}
	set := New(Options{})
	for _, c := range Corpus() {
		if a, err := c.Answer(); err == nil {
			rule := set.Judge(a).Rule
			sources[rule] = append(sources[rule], c.Source)
		}
	}
	out := map[string]string{}
	for rule, list := range sources {
		const shown = 2
		n := len(list)
		list = slices.Compact(list)
		text := strings.Join(list[:min(len(list), shown)], "; ")
		if n > shown {
			text += fmt.Sprintf("; %d in all", n)
		}
		out[rule] = escape(text)
	}
	return out
}

func escape(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

const pageIntro = `# Verdicts

A site can fail in many ways that look alike. A *verdict* says what an answer means and its scope: this address, the channel, a key, a key with one model, the request, or nothing. So only what is at fault cools down, and the next candidate is tried.

This page is generated from the rules and from the answers of real sites that test them; ` + "`make generate`" + ` writes it. ` + "`aitunnel verdict test`" + ` explains one answer, ` + "`aitunnel verdict list`" + ` prints all rules in their order.

## What an answer can mean
`

const pageRules = `
## Rules of your own

A rule is a block in the configuration, at top level or inside a ` + "`channel`" + ` for that channel alone:

` + "```hcl" + `
verdict "acme-maintenance" {
  status  = 403
  message = "(?i)scheduled maintenance"
  means   = "overloaded"
}
` + "```" + `

All conditions of a rule must hold. Expressions are [RE2](https://github.com/google/re2/wiki/Syntax) and match anywhere unless they have ` + "`^` and `$`" + `; in HCL a backslash is doubled (` + "`\"\\\\d\"`" + `), or write ` + "`[0-9]`" + `. Rules apply only to answers that are not good: those with a status of 300 or more, with an error inside a good answer, without content, or with a web page in place of the API's answer. So nothing that a model writes can disable a key.

The first rule that matches decides: those of the channel, those at top level, those of plugins that the channel names in ` + "`verdicts`" + `, the built-in ones, and then the status. ` + "`aitunnel validate`" + ` applies your rules to the known answers and lists those that they judge differently.
`

const pageDefaults = `
## When no rule matches

The status decides. A 401 or 403 alone penalizes nothing: other keys and channels are tried, and which of them answer shows whether the key, the channel or the request was at fault. A 404 penalizes nothing either, unless the request asks a model to generate something; nor does a 401, 403 or 404 from an endpoint for accounts or token counts, or from an unknown one. A non-standard status, such as 456, is ` + "`declined`" + ` unless a rule matches its message; rules for other statuses of its class apply to it, too. A web page in place of the API's answer is ` + "`broken`" + `, unless its status is more specific. ` + "`retry.on`" + ` lists the statuses that are retried elsewhere; by default these are 408, 425, 429, 498–500, 502–504, 507 and 520–599; a 409 counts as a 503.
`

const pageBuiltin = `
## Built-in rules

In the order in which they apply. Their source is [core/verdict/rules.hcl](../core/verdict/rules.hcl); the answers that test them are in [core/verdict/testdata](../core/verdict/testdata).
`
