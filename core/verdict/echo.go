package verdict

import (
	"net/http"
	"strings"
	"unicode"
)

// echoMarks come before what the refusal of a malformed request repeats of it.
var echoMarks = []string{"input_value=", ", got: ", "'input': ", `"input": `, `"input":"`}

// withoutEcho takes out of the refusal of a malformed request what it repeats of
// it: a prompt about keys must not look like a refusal of one.
func withoutEcho(message string, status int) string {
	const beginning = 400
	if status != http.StatusBadRequest && status != http.StatusUnprocessableEntity {
		return message
	}
	for _, mark := range echoMarks {
		message, _, _ = strings.Cut(message, mark)
	}
	return withoutQuotes(strings.ToValidUTF8(message[:min(len(message), beginning)], ""))
}

var (
	quotation = compiled("(?:^|[\\s(\\[{=:：，,。]|\\p{Han})(\"[^\"]*\"|'[^']*'|`[^`]*`|“[^”]*”|「[^」]*」)")
	// namesCause is what comes before a quotation that is the error itself: a
	// gateway's account of what its upstream said.
	namesCause = compiled("(?i)(?:[\"'`]|\\b(?:error|message|reason|detail|response|said|returned)|错误|原因|返回|提示|信息)\\s*[:：]\\s*$")
)

// withoutQuotes shortens quotations of more than a word. Names of models, tools
// and settings stay.
func withoutQuotes(message string) string {
	var b strings.Builder
	rest := 0
	for _, at := range quotation().FindAllStringSubmatchIndex(message, -1) {
		from, to := at[2], at[3]
		inner := message[from:to]
		if !strings.ContainsFunc(inner, func(r rune) bool { return r == ' ' || unicode.Is(unicode.Han, r) }) ||
			to < len(message) && isWordRune(rune(message[to])) || namesCause().MatchString(message[:from]) {
			continue
		}
		b.WriteString(message[rest:from])
		b.WriteString("'" + hidden + "'")
		rest = to
	}
	return b.String() + message[rest:]
}
