package unknown

import (
	"bufio"
	"io"
	"net/http"
	"strings"

	"github.com/aitunnel/aitunnel/core/verdict"
)

// Draft returns a rule for a stored answer, for its owner to complete; "" if none can
// be created. text is the anonymized version, which has the request; full has the
// answer.
func Draft(text, full string) string {
	const name = "my-rule"
	c, err := verdict.ParseCase(name, text)
	if err != nil {
		return ""
	}
	answer, err := c.Answer()
	if err != nil {
		return ""
	}
	if header, body, ok := answerIn(full); ok {
		answer.Header, answer.Body = header, body
	}
	return verdict.Draft(name, answer, verdict.New(verdict.Options{}).Judge(answer))
}

// answerIn returns the answer in its full text.
func answerIn(full string) (http.Header, []byte, bool) {
	_, rest, ok := strings.Cut(full, "\n\nHTTP/1.1 ")
	if !ok {
		return nil, nil, false
	}
	head, body, ok := strings.Cut(rest, "\n\n")
	if !ok {
		return nil, nil, false
	}
	lines := strings.SplitAfterN(head+"\r\n\r\n", "\n", 2)
	resp, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader("HTTP/1.1 200 OK\r\n"), strings.NewReader(lines[len(lines)-1]))), nil)
	if err != nil {
		return nil, nil, false
	}
	_ = resp.Body.Close()
	return resp.Header, []byte(strings.TrimSuffix(body, "\n")), true
}
