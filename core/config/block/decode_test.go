package block_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/config/block"
	"github.com/aitunnel/aitunnel/core/config/eval"
)

// site declares one setting of each type.
type site struct {
	URL     string            `hcl:"url" example:"https://a.example" doc:"Address of the site."`
	Mode    string            `hcl:"mode,optional" enum:"fast,safe" doc:"How it works."`
	Host    string            `hcl:"host,optional" form:"lower case" sample:"vps" doc:"A name."`
	Retries int               `hcl:"retries,optional" min:"0" max:"9" doc:"Number of retries."`
	Ratio   float64           `hcl:"ratio,optional" min:"0" max:"1" doc:"A share."`
	Factor  *float64          `hcl:"factor,optional" min:"0" max:"2" sample:"0.5" doc:"A factor."`
	Timeout time.Duration     `hcl:"timeout,optional" doc:"Time limit."`
	Pause   time.Duration     `hcl:"pause,optional" zero:"true" doc:"May be 0."`
	MaxBody int64             `hcl:"max_body,optional" doc:"Maximum size."`
	Enabled bool              `hcl:"enabled,optional" doc:"Use it."`
	Verify  *bool             `hcl:"verify,optional" default:"true" doc:"Verify it."`
	Models  []string          `hcl:"models,optional" sample:"[\"gpt-*\"]" default:"all" doc:"Names."`
	Rename  map[string]string `hcl:"rename,optional" sample:"{ a = \"b\" }" doc:"Other names."`
	Token   secret            `hcl:"token,optional" type:"secret string" example:"env(\"TOKEN\")" doc:"A secret."`
	Limit   limit             `hcl:"limit,block" doc:"Limits of the site."`

	notASetting string
}

type limit struct {
	Concurrent int `hcl:"concurrent,optional" min:"0" max:"2147483647" doc:"At once."`
}

// secret is a type that only the caller of the package knows.
type secret string

var types = &block.Types{
	Forms: map[string]func(*eval.Evaluator, string) (string, error){
		"lower case": func(_ *eval.Evaluator, s string) (string, error) {
			if strings.Contains(s, " ") {
				return "", errors.New("it contains a space")
			}
			return strings.ToLower(s), nil
		},
	},
	Decode: func(r *block.Reader, s block.Setting, into any) bool {
		field, isSecret := into.(*secret)
		if !isSecret {
			return false
		}
		if text, ok := r.SecretText(s.Name); ok {
			*field = secret(text)
		}
		return true
	},
}

func defaultSite() *site {
	return &site{
		Mode: "safe", Host: "Default Host", Retries: 3, Ratio: 0.5, Timeout: 10 * time.Second, Pause: time.Second,
		MaxBody: 1 << 20, Enabled: true, Limit: limit{Concurrent: 4}, notASetting: "kept",
	}
}

// evaluate parses a text with one block "site", and returns a reader of the block.
func evaluate(t *testing.T, text string) (*eval.Evaluator, *block.Reader) {
	t.Helper()
	ev := eval.New(t.Context(), eval.Options{Path: "a.hcl", Getenv: func(name string) (string, bool) {
		return "fast-sk-alpha-0000", name == "SECRET"
	}})
	ev.Parse("a.hcl", []byte(text))
	ev.Evaluate(nil)
	blocks := ev.TopBlocks("site", "name")
	if len(blocks) != 1 || ev.Diags.HasErrors() {
		t.Fatalf("%d blocks, %v", len(blocks), ev.Diags)
	}
	return ev, block.NewReader(ev, types, blocks[0], `in site "a"`)
}

// decode decodes a block "site" with these settings, the first of which is in line 2.
func decode(t *testing.T, settings string) (*site, *eval.Evaluator) {
	t.Helper()
	ev, r := evaluate(t, "site \"a\" {\n"+settings+"\n}\n")
	s := defaultSite()
	r.Decode(s)
	r.Done()
	return s, ev
}

// lines returns the errors of an evaluation, one in each line, after the number of its line in the text.
func lines(ev *eval.Evaluator) string {
	var all []string
	for _, d := range ev.Diags {
		all = append(all, fmt.Sprintf("%d: %s: %s", d.Subject.Start.Line, d.Summary, d.Detail))
	}
	return strings.Join(all, "\n")
}

func TestDefaultsAreKept(t *testing.T) {
	want := defaultSite()
	want.URL = "https://a.test"
	for name, settings := range map[string]string{
		"not set":                             `url = "https://a.test"`,
		"null":                                "url = \"https://a.test\"\nmode = null\nretries = null\ntimeout = null\nmodels = null\ntoken = null",
		"empty":                               "url = \"https://a.test\"\nlimit {}",
		"the default, which is not converted": "url = \"https://a.test\"\nhost = \"Default Host\"",
	} {
		t.Run(name, func(t *testing.T) {
			got, ev := decode(t, settings)
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(site{})); diff != "" || len(ev.Diags) > 0 {
				t.Errorf("%v (-want +got)\n%s", lines(ev), diff)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	got, ev := decode(t, `
  url      = "https://a.test"
  mode     = "fast"
  host     = "VPS"
  retries  = 2 * 4
  ratio    = 0.25
  factor   = 1.5
  timeout  = "1m30s"
  pause    = "0s"
  max_body = "64MiB"
  enabled  = false
  verify   = false
  models   = ["gpt-*", upper("x")]
  rename   = { a = "b" }
  token    = "sk-${"one"}"
  limit { concurrent = 7 }
`)
	factor, verify := 1.5, false
	want := &site{
		URL: "https://a.test", Mode: "fast", Host: "vps", Retries: 8, Ratio: 0.25, Factor: &factor, Timeout: 90 * time.Second,
		MaxBody: 64 << 20, Verify: &verify, Models: []string{"gpt-*", "X"}, Rename: map[string]string{"a": "b"},
		Token: "sk-one", Limit: limit{Concurrent: 7}, notASetting: "kept",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(site{})); diff != "" || len(ev.Diags) > 0 {
		t.Errorf("%v (-want +got)\n%s", lines(ev), diff)
	}
}

func TestErrors(t *testing.T) {
	for settings, want := range map[string]string{
		``:                  `1: Missing setting: "url" is required in site "a". Address of the site.`,
		`urll = "x"`:        `2: Unknown setting: There is no "urll" in site "a". Did you mean "url"?`,
		`url = 5`:           `2: Invalid value for "url": Expected a quoted string.`,
		`url = ["x"]`:       `2: Invalid value for "url": Expected a string.`,
		`mode = "fats"`:     `2: Invalid value for "mode": "fats" is not one of "fast" and "safe". Did you mean "fast"?`,
		`host = "a b"`:      `2: Invalid value for "host": It contains a space.`,
		`retries = "x"`:     `2: Invalid value for "retries": Expected a number.`,
		`retries = 10`:      `2: Invalid value for "retries": 10 is out of range: expected a number from 0 to 9.`,
		`retries = 1.5`:     `2: Invalid value for "retries": 1.5 is not a whole number: write 1 or 2.`,
		`ratio = -0.1`:      `2: Invalid value for "ratio": -0.1 is out of range: expected a number from 0 to 1.`,
		`factor = 3`:        `2: Invalid value for "factor": 3 is out of range: expected a number from 0 to 2.`,
		`timeout = 5`:       `2: Invalid value for "timeout": 5 has no unit: write "5s" for seconds or "5ms" for milliseconds.`,
		`timeout = "0s"`:    `2: Invalid value for "timeout": "0s" is not allowed: expected a duration greater than 0.`,
		`pause = "-1s"`:     `2: Invalid value for "pause": "-1s" is negative: a duration must be 0 or more.`,
		`max_body = 10`:     `2: Invalid value for "max_body": 10 has no unit: write "10B" for bytes or "10MiB".`,
		`enabled = "maybe"`: `2: Invalid value for "enabled": Expected true or false.`,
		`verify = "maybe"`:  `2: Invalid value for "verify": Expected true or false.`,
		`models = "x"`:      `2: Invalid value for "models": Expected a list of strings in brackets.`,
		`models = [1]`:      `2: Invalid value for "models": Expected a list of strings in brackets, each in quotes.`,
		`models = [null]`:   `2: Invalid value for "models": An entry is null: remove it.`,
		`rename = ["x"]`:    `2: Invalid value for "rename": Expected a map of strings in braces.`,
		`token = ["x"]`:     `2: Invalid value for "token": Expected a string.`,

		`limit = 5`:                   `2: Unknown setting: "limit" is a block: write limit { … } without an equals sign.`,
		`mode {}`:                     `2: Unknown block: "mode" is a setting: write mode = … with an equals sign.`,
		`limt {}`:                     `2: Unknown block: There is no block "limt" in site "a". Did you mean "limit"?`,
		"limit {}\nlimit {}":          `3: Duplicate block: A limit block is already declared in site "a"; only one is allowed.`,
		`limit "x" {}`:                `2: Wrong number of labels: A limit block is written limit { … }.`,
		"limit {\nconcurrrent = 1\n}": `3: Unknown setting: There is no "concurrrent" in limit of site "a". Did you mean "concurrent"?`,
		"limit {\nconcurrent = -1\n}": `3: Invalid value for "concurrent": -1 is out of range: expected a number from 0 to 2147483647.`,
	} {
		t.Run(settings, func(t *testing.T) {
			if !strings.HasPrefix(settings, "url") && settings != "" {
				settings += "\nurl = \"https://a.test\""
			}
			if _, ev := decode(t, settings); lines(ev) != want {
				t.Errorf("got\n%s\nwant\n%s", lines(ev), want)
			}
		})
	}
}

// A secret is shown neither in an error about it nor in the text of the file.
func TestSecretsAreNotShown(t *testing.T) {
	const value = "fast-sk-alpha-0000" // of the environment variable SECRET
	for settings, want := range map[string]string{
		`token = 12345678`:              "Expected a quoted string.",
		`token = ["sk-beta-0000"]`:      "Expected a string.",
		`mode = env("SECRET")`:          `The value is not one of "fast" and "safe".`,
		`timeout = env("SECRET")`:       "The value is not a valid duration",
		`models = env("SECRET")`:        "Expected a list of strings in brackets.",
		`mode = upper(env("SECRET"))`:   `The value is not one of "fast" and "safe".`,
		`tokn = "sk-beta-0000"`:         `There is no "tokn"`,
		`tokn { key = "sk-beta-0000" }`: `There is no block "tokn"`,
	} {
		t.Run(settings, func(t *testing.T) {
			_, ev := decode(t, "url = \"https://a.test\"\n"+settings)
			got := lines(ev)
			if !strings.Contains(got, want) {
				t.Errorf("got %s, want %s", got, want)
			}
			got = strings.ToLower(got + string(ev.Sources["a.hcl"].Masked()))
			for _, secret := range []string{value, "12345678", "sk-beta-0000"} {
				if strings.Contains(got, secret) {
					t.Errorf("%s is shown:\n%s", secret, got)
				}
			}
		})
	}
	_, ev := decode(t, "url = \"https://a.test\"\ntoken = \"sk-beta-0000\"")
	if text := string(ev.Sources["a.hcl"].Masked()); strings.Contains(text, "sk-beta-0000") || !strings.Contains(text, "https://a.test") {
		t.Errorf("the text of the file is masked as\n%s", text)
	}
	if hidden := ev.Secrets.Hide("a message with sk-beta-0000"); hidden != "a message with ***" {
		t.Errorf("the secret is not known to reports: %s", hidden)
	}
}

func TestSecretTexts(t *testing.T) {
	check := func(s string) error {
		if strings.Contains(s, " ") {
			return errors.New("it contains a space")
		}
		return nil
	}
	ev, r := evaluate(t, "site \"a\" {\n  keys = [\n\"sk-one\",\n\" \",\n\"sk two\",\nnull,\nenv(\"SECRET\")]\n}\n")
	texts, ranges := r.SecretTexts("keys", check)
	r.Done()
	if diff := cmp.Diff([]string{"sk-one", "fast-sk-alpha-0000"}, texts); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(ranges) != 2 || ranges[0].Start.Line != 3 || ranges[1].Start.Line != 7 {
		t.Errorf("the ranges are %v", ranges)
	}
	want := `4: Empty value in "keys": An entry is empty: remove it, or set its value.
5: Invalid value in "keys": It contains a space.
6: Empty value in "keys": An entry is empty: remove it, or set its value.`
	if got := lines(ev); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// An invalid declaration is found by the first test that uses it.
func TestInvalidDeclarationsPanic(t *testing.T) {
	for name, into := range map[string]any{
		"type": &struct {
			A chan int `hcl:"a,optional"`
		}{},
		"limit": &struct {
			A int `hcl:"a,optional" max:"many"`
		}{},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it was accepted")
				}
			}()
			_, r := evaluate(t, `site "a" {}`)
			r.Decode(into)
		})
	}
}
