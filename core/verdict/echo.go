package verdict

import (
	"net/http"
	"strings"
	"unicode"
)

// echoMarks precede quotations from the request in errors about malformed requests.
var echoMarks = []string{"input_value=", ", got: ", "'input': ", `"input": `, `"input":"`}

// withoutEcho removes quotations from the request from an error about a malformed
// request: a prompt about keys must not look like an error about a key.
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
	// namesCause precedes a quotation that is the error itself: a gateway quotes its
	// upstream.
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
