package eval

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parseEnvFile reads lines of NAME=value, as Docker does: everything after the first "=" is
// the value, up to a "#" after a space; a value that is quoted as a whole loses its quotes,
// and may have several lines. Errors are a name with a space in it, a missing closing
// quote, and text after one.
func parseEnvFile(text []byte) (map[string]string, error) {
	values := map[string]string{}
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, errors.New("it is not in UTF-8, perhaps in UTF-16: save it as UTF-8")
	}
	lines := strings.Split(string(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))), "\n")
	for i := 0; i < len(lines); i++ {
		number := i + 1
		line := strings.TrimSpace(lines[i])
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, given := strings.Cut(line, "=")
		if first, rest, ok := strings.Cut(strings.ReplaceAll(name, "\t", " "), " "); ok && first == "export" {
			name = rest
		}
		name = strings.TrimSpace(name)
		if name == "" || strings.ContainsFunc(name, unicode.IsSpace) {
			return nil, fmt.Errorf("line %d: expected NAME=value", number)
		}
		if !given {
			continue // the variable comes from the environment, as with Docker
		}
		whole := strings.TrimSpace(value)
		value, err := envValue(whole)
		for errors.Is(err, errNotClosed) && i+1 < len(lines) {
			i++
			whole += "\n" + strings.TrimRight(lines[i], "\r")
			value, err = envValue(whole)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: the value of %s: %w", number, name, err)
		}
		if !utf8.ValidString(name + value) {
			return nil, fmt.Errorf("line %d: it is not in UTF-8: save the file as UTF-8", number)
		}
		values[name] = value
	}
	return values, nil
}

var errNotClosed = errors.New("the closing quote is missing")

func envValue(s string) (string, error) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		for i := 1; i < len(s); i++ {
			if s[i] == '#' && (s[i-1] == ' ' || s[i-1] == '\t') {
				return strings.TrimSpace(s[:i]), nil
			}
		}
		return s, nil
	}
	quote := s[0]
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote:
			rest := strings.TrimSpace(s[i+1:])
			if rest == "" || rest[0] == '#' {
				return out.String(), nil
			}
			if s[i-1] != '\\' { // as in 'it\'s'
				return "", fmt.Errorf("there is more after the closing %c", quote)
			}
			text := out.String()
			out.Reset()
			out.WriteString(text[:len(text)-1] + string(quote))
		case c == '\\' && quote == '"' && i+1 < len(s):
			i++
			out.WriteString(unescape(s[i]))
		default:
			out.WriteByte(c)
		}
	}
	return "", errNotClosed
}

func unescape(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case '"', '\\', '$', '\'':
		return string(c)
	}
	return "\\" + string(c)
}
