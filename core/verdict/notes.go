package verdict

import "strings"

// addNotes sets the note of each rule to the comment before it.
func addNotes(rules []*Rule, src []byte) {
	lines := strings.Split(string(src), "\n")
	for _, r := range rules {
		var note []string
		for i := r.Range.Start.Line - 2; i >= 0; i-- {
			text, ok := strings.CutPrefix(lines[i], "# ")
			if !ok || strings.HasPrefix(text, "---") {
				break
			}
			note = append([]string{text}, note...)
		}
		r.Note = strings.Join(note, " ")
	}
}
