package verdict

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestCorpus judges the answers of real sites.
func TestCorpus(t *testing.T) {
	set := New(Options{})
	for _, c := range Corpus() {
		t.Run(c.Name, func(t *testing.T) {
			if c.Source == "" {
				t.Error("the file does not name the source of the answer")
			}
			v := judgeCase(t, set, c)
			if got := v.Expectation(); got != c.Want {
				t.Errorf("%s by %q (%s)\n%s\nwant\n%s\ncode %q, type %q, message %q", v.Reason, v.Rule, v.Origin, got, c.Want, v.Code, v.Type, v.Message)
			}
		})
	}
}

func judgeCase(t testing.TB, set *Set, c Case) Verdict {
	t.Helper()
	a, err := c.Answer()
	if err != nil {
		t.Fatal(err)
	}
	return set.Judge(a)
}

// TestEveryRuleIsTested removes one built-in rule at a time: the meaning of some answer in
// the corpus has to change. Otherwise a broken rule would not be noticed.
func TestEveryRuleIsTested(t *testing.T) {
	all, complete := Builtin(), New(Options{})
	decided := map[string][]Answer{} // by each rule: nothing else changes without it
	for _, c := range Corpus() {
		a, err := c.Answer()
		if err != nil {
			t.Fatal(err)
		}
		rule := complete.Judge(a).Rule
		decided[rule] = append(decided[rule], a)
	}
	for i, r := range all {
		others := newLayer(slices.Delete(slices.Clone(all), i, i+1))
		without := &Set{last: func() layer { return others }}
		if !slices.ContainsFunc(decided[r.Name], func(a Answer) bool {
			return without.Judge(a).Expectation() != complete.Judge(a).Expectation()
		}) {
			t.Errorf("%s: without %q all answers in testdata mean the same", r.Range, r.Name)
		}
	}
}

// TestOneMeaningInEveryShape puts each error that a rule knows into an array, and
// into the message of a gateway's own error: it means the same.
func TestOneMeaningInEveryShape(t *testing.T) {
	set := New(Options{})
	for _, c := range Corpus() {
		a, err := c.Answer()
		if err != nil {
			t.Fatal(err)
		}
		body := strings.TrimSpace(string(a.Body))
		if v := set.Judge(a); a.Status >= 400 && v.Origin == FromBuiltin && v.Means != Refused && json.Valid([]byte(body)) && body[0] == '{' {
			text, _ := json.Marshal(body)
			for _, shape := range []string{"[" + body + "]", fmt.Sprintf(`{"error":{"message":%s,"type":"new_api_error"}}`, text)} {
				a.Body = []byte(shape)
				if w := set.Judge(a); w.Expectation() != v.Expectation() {
					t.Errorf("%s: by %s\n%sby %s in\n%s\n%s", c.Name, v.Rule, v.Expectation(), w.Rule, shape, w.Expectation())
				}
			}
		}
	}
}
