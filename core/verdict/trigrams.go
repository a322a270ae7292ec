package verdict

// trigrams is the set of all sequences of three characters in a text, of which only the
// lower five bits count. A word cannot occur in a text that lacks one of its sequences,
// so most words are excluded without searching the text.
type trigrams [1 << 15 / 64]uint64

func newTrigrams(text string) *trigrams {
	t := &trigrams{}
	for i := 0; i+2 < len(text); i++ {
		g := trigram(text[i:])
		t[g/64] |= 1 << (g % 64)
	}
	return t
}

func trigram(s string) uint16 {
	return uint16(s[0]&31)<<10 | uint16(s[1]&31)<<5 | uint16(s[2]&31)
}

// mayContain reports whether word, of at least three characters, may occur in the text.
func (t *trigrams) mayContain(word string) bool {
	for i := 0; i+2 < len(word); i++ {
		if g := trigram(word[i:]); t[g/64]&(1<<(g%64)) == 0 {
			return false
		}
	}
	return true
}
