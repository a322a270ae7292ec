package hclfile

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxNesting is the maximum depth of brackets, blocks, templates and operators. The parser and
// the evaluator are recursive, so a deeper text could exhaust the stack, which ends the
// whole process.
const maxNesting = 200

// Parse parses HCL. It must be used for all text, since it refuses text that is nested too
// deeply for the parser.
func Parse(text []byte, filename string, start hcl.Pos) (*hclsyntax.Body, hcl.Diagnostics) {
	if diags := checkNesting(text, filename, start); diags.HasErrors() {
		return nil, diags
	}
	file, diags := hclsyntax.ParseConfig(text, filename, start)
	return file.Body.(*hclsyntax.Body), diags
}

// checkNesting reports the first token of text that is nested too deeply.
func checkNesting(text []byte, filename string, start hcl.Pos) hcl.Diagnostics {
	if isShallow(text, maxNesting) {
		return nil
	}
	tokens, _ := hclsyntax.LexConfig(text, filename, start)
	n := nesting{levels: []level{{}}}
	for i, t := range tokens {
		if n.add(tokens, i); n.depth > maxNesting {
			return hcl.Diagnostics{{
				Severity: hcl.DiagError, Summary: "Nested too deeply",
				Detail:  fmt.Sprintf("At most %d brackets, blocks, templates and operators may be nested in each other.", maxNesting),
				Subject: t.Range.Ptr(),
			}}
		}
	}
	return nil
}

// nesting counts the levels of a text by its tokens, and never fewer than the parser: a closing bracket that does
// not match is ignored.
type nesting struct {
	levels []level
	depth  int
}

// level is the inside of a bracket, block, quoted string or template.
type level struct {
	open     hclsyntax.TokenType
	inner    int  // levels without a bracket: operators, indexes, directives
	newlines bool // a newline ends the expression
}

func (n *nesting) add(tokens hclsyntax.Tokens, i int) {
	top := &n.levels[len(n.levels)-1]
	switch t := tokens[i].Type; t {
	case hclsyntax.TokenOBrack:
		if i > 0 && endsOperand(tokens[i-1].Type) {
			n.deepen(top) // an index
		}
		n.push(t, false)
	case hclsyntax.TokenOBrace:
		n.push(t, !isFor(tokens, i))
	case hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
		n.push(t, false)
	case hclsyntax.TokenTemplateControl:
		n.directive(top, tokens, i)
		n.push(t, false)
	case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
		n.pop(t)
	case hclsyntax.TokenComma:
		n.reset(top)
	case hclsyntax.TokenNewline:
		if top.newlines || len(n.levels) == 1 {
			n.reset(top)
		}
	case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent,
		hclsyntax.TokenQuestion, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual,
		hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq:
		n.deepen(top)
	}
}

func (n *nesting) push(open hclsyntax.TokenType, newlines bool) {
	n.levels = append(n.levels, level{open: open, newlines: newlines})
	n.depth++
}

func (n *nesting) pop(closing hclsyntax.TokenType) {
	top := n.levels[len(n.levels)-1]
	if !closes(closing, top.open) {
		return
	}
	n.levels = n.levels[:len(n.levels)-1]
	n.depth -= 1 + top.inner
}

func (n *nesting) deepen(top *level) {
	top.inner++
	n.depth++
}

func (n *nesting) reset(top *level) {
	n.depth -= top.inner
	top.inner = 0
}

// directive counts the directives of a template, which are nested without
// being brackets.
func (n *nesting) directive(top *level, tokens hclsyntax.Tokens, i int) {
	switch word(tokens, i) {
	case "endif", "endfor":
		if top.inner > 0 {
			top.inner--
			n.depth--
		}
	case "else":
	default:
		n.deepen(top)
	}
}

func closes(closing, open hclsyntax.TokenType) bool {
	switch closing {
	case hclsyntax.TokenCParen:
		return open == hclsyntax.TokenOParen
	case hclsyntax.TokenCBrack:
		return open == hclsyntax.TokenOBrack
	case hclsyntax.TokenCBrace:
		return open == hclsyntax.TokenOBrace
	case hclsyntax.TokenCQuote:
		return open == hclsyntax.TokenOQuote
	case hclsyntax.TokenCHeredoc:
		return open == hclsyntax.TokenOHeredoc
	}
	return open == hclsyntax.TokenTemplateInterp || open == hclsyntax.TokenTemplateControl
}

// endsOperand reports whether a bracket after such a token is an index.
func endsOperand(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenEqual, hclsyntax.TokenComma, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenColon:
		return false
	}
	return true
}

// isFor reports whether a brace opens a for expression, in which newlines are ignored.
func isFor(tokens hclsyntax.Tokens, i int) bool { return word(tokens, i) == "for" }

// word returns the first word after a token, "" if something else follows.
func word(tokens hclsyntax.Tokens, i int) string {
	for _, t := range tokens[i+1:] {
		switch t.Type {
		case hclsyntax.TokenNewline, hclsyntax.TokenComment:
			continue
		case hclsyntax.TokenIdent:
			return string(t.Bytes)
		}
		break
	}
	return ""
}
