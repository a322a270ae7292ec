package verdict

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// requiredLiterals returns words in lower case, at least one of which occurs in any
// text that the expression matches; nil if none are known.
func requiredLiterals(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 && slices.ContainsFunc(re.Rune, func(r rune) bool { return r >= 0x80 && unicode.SimpleFold(r) != r }) {
			return nil // texts are compared with A to Z in lower case, and nothing else
		}
		return usefulLiteral(string(re.Rune))
	case syntax.OpCapture, syntax.OpPlus:
		return requiredLiterals(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return requiredLiterals(re.Sub[0])
		}
	case syntax.OpConcat:
		return bestOf(re.Sub)
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			l := requiredLiterals(sub)
			if l == nil {
				return nil
			}
			all = append(all, l...)
		}
		return all
	}
	return nil
}

// usefulLiteral returns the word, unless it is too short to be selective.
func usefulLiteral(word string) []string {
	if len(word) < 3 {
		return nil
	}
	return []string{string(asciiLower([]byte(word)))}
}

// bestOf returns the literals of the part whose shortest one is longest.
func bestOf(parts []*syntax.Regexp) []string {
	var best []string
	longest := 0
	for _, p := range parts {
		l := requiredLiterals(p)
		if n := shortest(l); n > longest {
			best, longest = l, n
		}
	}
	return best
}

func shortest(words []string) int {
	n := 0
	for _, w := range words {
		if n == 0 || len(w) < n {
			n = len(w)
		}
	}
	return n
}

// beginsWithLiteral reports whether all matches of the expression begin with a fixed
// word, possibly after white space.
func beginsWithLiteral(re *syntax.Regexp) bool {
	const shortest = 3
	n, _ := fixedPrefix(re)
	return n >= shortest
}

// fixedPrefix returns how many fixed characters all matches of the expression begin
// with, and whether the match consists of nothing else. The parser writes "_ab|_cd" as
// "_(?:ab|cd)".
func fixedPrefix(re *syntax.Regexp) (n int, whole bool) {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune), true
	case syntax.OpCapture:
		return fixedPrefix(re.Sub[0])
	case syntax.OpAlternate:
		n, whole = fixedPrefix(re.Sub[0])
		for _, sub := range re.Sub[1:] {
			m, all := fixedPrefix(sub)
			n, whole = min(n, m), whole && all
		}
		return n, whole
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if n == 0 && isPadding(sub) {
				continue
			}
			m, all := fixedPrefix(sub)
			if n += m; !all {
				return n, false
			}
		}
		return n, true
	}
	return 0, false
}

// isPadding reports whether an expression matches positions or white space only.
func isPadding(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat, syntax.OpCapture:
		return isPadding(re.Sub[0])
	case syntax.OpCharClass:
		return strings.Trim(string(re.Rune), " \t\n\r\f\v") == ""
	case syntax.OpLiteral:
		return strings.TrimSpace(string(re.Rune)) == ""
	}
	return false
}
