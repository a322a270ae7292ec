package verdict

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// TestMistakesInRules checks the diagnostics for invalid rules, and their lines.
func TestMistakesInRules(t *testing.T) {
	for _, c := range []struct{ name, rule, line, want string }{
		{"unknown means", "status = 403\n  means = \"blokced\"", "3", `"blokced" is not a meaning. Did you mean "blocked"?`},
		{"unknown setting", "status = 403\n  mean = \"blocked\"\n  means = \"blocked\"", "3", `A verdict has no setting "mean". Did you mean "means"?`},
		{"no means", "status = 403", "1", "A verdict says what the answer means"},
		{"no condition", "means = \"blocked\"", "1", "It would match every answer that is not good."},
		{"bad expression", "status = 403\n  message = \"(\"\n  means = \"blocked\"", "3", "is not a valid expression (RE2): missing closing ): `(`."},
		{"look-ahead", "message = \"(?!x)y\"\n  means = \"blocked\"", "2", "RE2 has no look-ahead or look-behind"},
		{"back-reference", "message = \"(a)\\\\1\"\n  means = \"blocked\"", "2", "RE2 has no back-references."},
		{"escape", "message = \"\\d\"\n  means = \"blocked\"", "2", `double the backslash or name the characters: "\\d" or "[0-9]" for a digit.`},
		{"empty expression", "message = \"\"\n  means = \"blocked\"", "2", "An empty message would match everything."},
		{"body alone", "body = \"Forbidden\"\n  means = \"blocked\"", "2", "Say which answers are meant"},
		{"body without a beginning", "status = 403\n  body = \".*Forbidden\"\n  means = \"blocked\"", "3", "must begin with at least three fixed characters"},
		{"duplicate names", "json = {\n    \"error.code\" = \"a\"\n    \"error.code\" = \"b\"\n  }\n  means = \"blocked\"", "4", `"error.code" occurs twice in json; only one of them would be used.`},
		{"duplicate headers", "header = {\n    Server = \"a\"\n    server = \"b\"\n  }\n  means = \"blocked\"", "4", `"server" occurs twice in header`},
		{"no object", "json = \"error.code\"\n  means = \"blocked\"", "2", "Write json as"},
		{"bad status", "status = [403, \"teapot\"]\n  means = \"blocked\"", "2", `Write a number from 100 to 999, or a class such as "5xx".`},
		{"empty list", "status = []\n  means = \"blocked\"", "2", "status needs at least one value."},
		{"bad scope", "status = 403\n  means = \"blocked\"\n  scope = \"site\"", "4", `"site" is not a scope.`},
		{"bad endpoint", "endpoint = \"chat\"\n  means = \"blocked\"", "2", `"chat" is not a kind of endpoint.`},
		{"bad dialect", "dialect = \"claude\"\n  means = \"blocked\"", "2", `"claude" is not a dialect.`},
		{"bad duration", "status = 429\n  means = \"rate_limited\"\n  for = \"30\"", "4", `"30" is not a valid duration: write a number with a unit`},
		{"too long", "status = 429\n  means = \"rate_limited\"\n  for = \"48h\"", "4", `at most "24h".`},
		{"no text", "status = 429\n  message = 5\n  means = \"rate_limited\"", "3", "message must be a string in quotes."},
		{"no effect", "status = 429\n  means = \"good\"\n  for = \"1h\"", "4", `With means = "good" nothing cools down. Remove for.`},
		{"at_once elsewhere", "status = 429\n  means = \"broken\"\n  at_once = true", "4", `Use it with means = "blocked" only.`},
		{"no boolean", "status = 429\n  means = \"blocked\"\n  at_once = \"yes\"", "4", "at_once must be true or false."},
		{"null", "status = null\n  means = \"blocked\"", "2", "A value is needed here."},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, diags := CompileSource(fmt.Appendf(nil, "verdict \"x\" {\n  %s\n}\n", c.rule), "rules.hcl", FromUser)
			if !diags.HasErrors() {
				t.Fatal("there is no diagnostic")
			}
			d := diags[0]
			if got := fmt.Sprint(d.Subject.Start.Line); got != c.line || !strings.Contains(d.Detail, c.want) {
				t.Errorf("line %s: %s; %s\nwant line %s: %s", got, d.Summary, d.Detail, c.line, c.want)
			}
		})
	}
}

func TestDuplicateAndBadNames(t *testing.T) {
	_, diags := CompileSource([]byte("verdict \"a\" {\n  status = 403\n  means = \"blocked\"\n}\nverdict \"a\" {\n  status = 404\n  means = \"blocked\"\n}\nverdict \"a b\" {\n  status = 404\n  means = \"blocked\"\n}\n"), "x.hcl", FromUser)
	if len(diags) != 2 || !strings.Contains(diags[0].Detail, `Verdict "a" is already declared at x.hcl:1`) || !strings.Contains(diags[1].Detail, `"a b" is not a valid name`) {
		t.Error(diags)
	}
}

// TestASecretIsNotACondition: rules are listed and logged.
func TestASecretIsNotACondition(t *testing.T) {
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{"key": cty.StringVal("sk-canary").Mark("secret")}}
	_, diags := Compile(blocks(t, `verdict "x" {
  message = key
  means   = "blocked"
}`), ctx, FromUser)
	if !diags.HasErrors() || !strings.Contains(diags[0].Detail, "cannot hold a secret value") || strings.Contains(fmt.Sprint(diags), "canary") {
		t.Error(diags)
	}
}

func blocks(t testing.TB, src string) hcl.Blocks {
	t.Helper()
	file := parse(t, src)
	content, diags := file.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: BlockType, LabelNames: []string{"name"}}}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return content.Blocks
}

// TestConditions checks each condition alone, with an answer that it matches and one that it
// does not.
func TestConditions(t *testing.T) {
	base := func() Answer {
		return answer(403, `{"error":{"code":"nope","type":"weird","message":"Nope, not you","details":[{"reason":"A"},{"reason":"B"}]}}`)
	}
	for _, c := range []struct {
		condition string
		change    func(*Answer)
		want      bool
	}{
		{`status = 403`, nil, true},
		{`status = "403"`, nil, true},
		{`status = "4xx"`, nil, true},
		{`status = [500, "4xx"]`, nil, true},
		{`status = 404`, nil, false},
		{`code = "^nope$"`, nil, true},
		{`code = "^weird$"`, nil, true}, // any code that the error carries
		{`code = "^B$"`, nil, true},
		{`code = "other"`, nil, false},
		{`type = "^weird$"`, nil, true},
		{`type = "^nope$"`, nil, false},
		{`message = "(?i)NOT you"`, nil, true},
		{`message = "not me"`, nil, false},
		{`json = { "error.details.*.reason" = "^B$" }`, nil, true},
		{`json = { "error.details.0.reason" = "^B$" }`, nil, false},
		{`json = { "error.details.1.reason" = "^B$", "error.code" = "nope" }`, nil, true},
		{`json = { "error.details.*.reason" = "^C$" }`, nil, false},
		{`header = { server = "^x" }`, func(a *Answer) { a.Header.Set("Server", "xyz") }, true},
		{`header = { server = "^x" }`, nil, false},
		{`header = { server = "^$" }`, nil, true},
		{`header = { server = "^$" }`, func(a *Answer) { a.Header.Set("Server", "xyz") }, false},
		{`content_type = "application/json"`, nil, true},
		{`content_type = "application/*"`, nil, true},
		{`content_type = "text/html"`, nil, false},
		{"status = 403\nbody = \"\\\"weird\\\"\"", nil, true},
		{"status = 403\nbody = \"strange\"", nil, false},
		{`dialect = ["gemini", "openai"]`, nil, true},
		{`dialect = "gemini"`, nil, false},
		{`endpoint = "generate"`, nil, true},
		{`endpoint = "files"`, nil, false},
		{`method = "post"`, nil, true},
		{`method = "GET"`, nil, false},
		{`path = "/v1/*"`, nil, true},
		{`path = "/v1"`, nil, false},
		{`model = ["claude-*", "gpt-*-mini"]`, nil, true},
		{`model = "claude-*"`, nil, false},
		{`streamed = false`, nil, true},
		{`streamed = true`, nil, false},
	} {
		a := base()
		if c.change != nil {
			c.change(&a)
		}
		set := New(Options{User: rules(t, "verdict \"mine\" {\n"+c.condition+"\nmeans = \"overloaded\"\n}")})
		if got := set.Judge(a).Rule == "mine"; got != c.want {
			t.Errorf("%s: matches %v, want %v", c.condition, got, c.want)
		}
	}
}

func answer(status int, body string) Answer {
	a := Answer{Status: status, Body: []byte(body), Header: map[string][]string{"Content-Type": {"application/json"}}, Now: CaseTime}
	a.Dialect, a.Method, a.Path, a.Model = "openai", "POST", "/v1/chat/completions", "gpt-5-mini"
	return a
}

func rules(t testing.TB, src string) []*Rule {
	t.Helper()
	r, diags := CompileSource([]byte(src), "mine.hcl", FromUser)
	if diags.HasErrors() {
		t.Fatalf("%s: %v", src, diags)
	}
	return r
}

// TestOrderOfRules: the channel's, the user's, those of plugins, the built-in
// ones.
func TestOrderOfRules(t *testing.T) {
	rule := func(name string, means Means) []*Rule {
		return rules(t, fmt.Sprintf("verdict %q {\nstatus = 403\nmeans = %q\n}", name, means))
	}
	a := answer(403, `{"error":{"code":"insufficient_quota"}}`)
	for i, o := range []Options{
		{Channel: rule("c", Good), User: rule("u", Broken), Plugin: rule("p", Blocked)},
		{User: rule("u", Broken), Plugin: rule("p", Blocked)},
		{Plugin: rule("p", Blocked)},
		{},
	} {
		want := []string{"c", "u", "p", "quota-code"}[i]
		if got := New(o).Judge(a); got.Rule != want {
			t.Errorf("%d: judged by %q, want %q", i, got.Rule, want)
		}
	}
}

// TestDefaultEndsTheSearch: a user's rule with means = "default" prevents the built-in rules
// from judging an answer.
func TestDefaultEndsTheSearch(t *testing.T) {
	set := New(Options{User: rules(t, `verdict "not-a-quota" {
  code  = "^insufficient_quota$"
  means = "default"
}`)})
	v := set.Judge(answer(403, `{"error":{"code":"insufficient_quota"}}`))
	if v.Means != Suspect || v.Origin != FromStatus {
		t.Errorf("%+v", v)
	}
}

// TestTimesThatRulesName: after looks where a rule says, for is the fallback.
func TestTimesThatRulesName(t *testing.T) {
	set := New(Options{User: rules(t, `verdict "x" {
  status = 403
  means  = "rate_limited"
  after  = ["error.reset", "header:x-reset"]
  for    = "1h"
}`)})
	for _, c := range []struct {
		body, header string
		want         time.Duration
	}{
		{`{"error":{"message":"x","reset":"90s"}}`, "5", 90 * time.Second},
		{`{"error":{"message":"x"}}`, "5", 5 * time.Second},
		{`{"error":{"message":"Please try again in 3s"}}`, "", time.Hour},
		{`{"error":{"message":"x","reset":"900h"}}`, "", 24 * time.Hour},
	} {
		a := answer(403, c.body)
		a.Header.Set("X-Reset", c.header)
		if got := set.Judge(a).For; got != c.want {
			t.Errorf("%s, header %q: %v, want %v", c.body, c.header, got, c.want)
		}
	}
}
