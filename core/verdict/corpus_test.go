package verdict

import "testing"

// TestCorpus judges the answers of real sites.
func TestCorpus(t *testing.T) {
	set := New(Options{})
	for _, c := range Corpus() {
		t.Run(c.Name, func(t *testing.T) {
			if c.Source == "" {
				t.Error("the file does not say where the answer is from")
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
