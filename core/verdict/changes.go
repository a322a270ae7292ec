package verdict

// Change is an answer of the corpus that the rules of a set judge otherwise
// than the built-in ones do.
type Change struct {
	Case          Case
	Before, After Verdict
}

// Changes runs the corpus through a set, and returns what its own rules change.
// It is for validate: a rule that is wider than meant shows here.
func (s *Set) Changes() []Change {
	builtinOnly, withOwn := New(Options{}), &Set{layers: s.layers}
	var changes []Change
	for _, c := range Corpus() {
		a, err := c.Answer()
		if err != nil {
			continue // held by a test
		}
		before, after := builtinOnly.Judge(a), withOwn.Judge(a)
		if before.Expectation() != after.Expectation() {
			changes = append(changes, Change{c, before, after})
		}
	}
	return changes
}
