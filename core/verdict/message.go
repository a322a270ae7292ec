package verdict

import (
	"bytes"
	"slices"
	"strings"
)

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func appendCode(codes []string, c string) []string {
	const most = 16
	if c == "" || len(c) > 256 || len(codes) >= most || slices.Contains(codes, c) {
		return codes
	}
	return append(codes, c)
}

// isWord reports whether s is a code rather than a sentence.
func isWord(s string) bool { return s != "" && len(s) <= 64 && !strings.ContainsAny(s, " \t\n") }

// plainText returns the message of a body that is not JSON: its text, or a page's
// title or first heading.
func plainText(body []byte, page bool) string {
	if !page {
		return strings.TrimSpace(strings.ToValidUTF8(string(body[:min(len(body), maxMessage)]), ""))
	}
	for _, tag := range []string{"title", "h1", "h2"} {
		if text := between(body, "<"+tag, "</"+tag+">"); text != "" {
			return text
		}
	}
	return ""
}

// readHeader reads the codes that AWS and Azure put into headers.
func (f *failure) readHeader() {
	for _, name := range []string{"X-Amzn-Errortype", "X-Ms-Error-Code"} {
		code, _, _ := strings.Cut(f.header.Get(name), ":")
		f.codes = appendCode(f.codes, code)
		f.code = firstOf(f.code, code)
	}
}

// readXML reads the errors of object stores and of some gateways.
func (f *failure) readXML() {
	if !bytes.HasPrefix(bytes.TrimSpace(f.body), []byte("<?xml")) && !bytes.HasPrefix(bytes.TrimSpace(f.body), []byte("<Error")) {
		return
	}
	f.code = between(f.body, "<Code", "</Code>")
	f.codes = appendCode(f.codes, f.code)
	f.message = firstOf(between(f.body, "<Message", "</Message>"), f.message)
}

// between returns the text between a tag that begins with open, and end.
func between(body []byte, open, end string) string {
	lower := asciiLower(body[:min(len(body), 4<<10)])
	i := bytes.Index(lower, []byte(strings.ToLower(open)))
	if i < 0 {
		return ""
	}
	from := bytes.IndexByte(lower[i:], '>')
	if from < 0 {
		return ""
	}
	from += i + 1
	to := bytes.Index(lower[from:], []byte(strings.ToLower(end)))
	if to < 0 {
		return ""
	}
	return strings.TrimSpace(string(body[from : from+to]))
}

// asciiLower returns a copy in which A to Z are lower case; its length is the same.
func asciiLower(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i] = c
	}
	return out
}

// maxMessage is the length to which messages are cut for rules. Both ends are kept,
// because errors that wrap others have the cause at the end.
const maxMessage = 2 << 10

func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	const end = maxMessage / 4
	return strings.ToValidUTF8(s[:maxMessage-end], "") + " … " + strings.ToValidUTF8(s[len(s)-end:], "")
}
