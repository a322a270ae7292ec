package verdict

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/core/dialect"
)

// Draft returns a verdict block that matches an answer and does not change its
// meaning, for the user to complete. It quotes the site.
func Draft(name string, a Answer, v Verdict) string {
	file := hclwrite.NewEmptyFile()
	block := file.Body().AppendNewBlock(BlockType, []string{name})
	body := block.Body()
	if v.Status > 0 {
		body.SetAttributeValue("status", cty.NumberIntVal(int64(v.Status)))
	}
	switch {
	case v.Page:
		body.SetAttributeValue("content_type", cty.StringVal("text/html"))
		setExpression(body, "message", v.Message)
	case isDistinctive(v.Code):
		setExpression(body, "code", v.Code)
	case isDistinctive(v.Type):
		setExpression(body, "type", v.Type)
	default:
		setExpression(body, "message", v.Message)
	}
	if e := a.endpoint(); e != dialect.Generate {
		body.SetAttributeValue("endpoint", cty.StringVal(string(e)))
	}
	body.SetAttributeValue("means", cty.StringVal(string(v.Means)))
	return string(hclwrite.Format(file.Bytes()))
}

// isDistinctive reports whether a code distinguishes an answer from others with its
// status.
func isDistinctive(code string) bool {
	generic := []string{"invalid_request_error", "server_error", "api_error", "error", "new_api_error", "one_api_error", "upstream_error", "forbidden", "unauthorized"}
	return isWord(code) && !strings.Contains(code, hidden) && httpStatus(code) == 0 && !slices.Contains(generic, strings.ToLower(code))
}

// setExpression sets an expression that finds text as it is: a code as a whole,
// of a message the beginning, up to the first number or name in quotes.
func setExpression(body *hclwrite.Body, name, text string) {
	if name != "message" {
		body.SetAttributeValue(name, cty.StringVal("^"+regexp.QuoteMeta(text)+"$"))
		return
	}
	const longest, shortest = 80, 8
	if i := strings.IndexAny(text, "0123456789\"'`<{\n"+hidden); i >= shortest || i >= 0 && text[i] >= utf8.RuneSelf {
		text = text[:i]
	}
	for len(text) > longest {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	if text = strings.TrimSpace(text); text != "" {
		body.SetAttributeValue(name, cty.StringVal("(?i)"+regexp.QuoteMeta(text)))
	}
}

// Summary says in one sentence which rule decided.
func (v Verdict) Summary() string {
	if v.Origin == FromStatus {
		return "no rule matches: " + v.Rule
	}
	return fmt.Sprintf("%q (%s)", v.Rule, v.Origin)
}
