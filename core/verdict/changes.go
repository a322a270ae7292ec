package verdict

// Change is an answer of the corpus that the rules of a set judge differently
// from the built-in ones.
type Change struct {
	Case          Case
	Before, After Verdict
}

// Changes returns the answers of the corpus that a set's own rules judge
// differently. With it, validate shows rules that match more than intended.
func (s *Set) Changes() []Change {
	builtinOnly, withOwn := New(Options{}), &Set{layers: s.layers, last: s.last}
	var changes []Change
	for _, c := range Corpus() {
		a, err := c.Answer()
		if err != nil {
			continue // a test prevents this
		}
		before, after := builtinOnly.Judge(a), withOwn.Judge(a)
		if before.Expectation() != after.Expectation() {
			changes = append(changes, Change{c, before, after})
		}
	}
	return changes
}
