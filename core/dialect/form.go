package dialect

import (
	"bytes"
	"mime"
	"strings"
)

// formField finds the value of a field in a multipart form: b[start:end]. b is the
// beginning of the form.
func formField(contentType string, b []byte, field string) (start, end int, found Found) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return 0, 0, Absent
	}
	delimiter := []byte("--" + params["boundary"])
	at := bytes.Index(b, delimiter)
	if at < 0 {
		return 0, 0, Incomplete
	}
	inner := append([]byte("\r\n"), delimiter...)
	for {
		rest := b[at+len(delimiter):]
		if bytes.HasPrefix(rest, []byte("--")) {
			return 0, 0, Absent
		}
		headerEnd := bytes.Index(rest, []byte("\r\n\r\n"))
		if headerEnd < 0 {
			return 0, 0, Incomplete
		}
		start = len(b) - len(rest) + headerEnd + 4
		n := bytes.Index(b[start:], inner)
		if n < 0 {
			return 0, 0, Incomplete
		}
		if isField(rest[:headerEnd], field) {
			return start, start + n, Present
		}
		at = start + n + len("\r\n")
	}
}

func formValue(contentType string, b []byte, field string) string {
	start, end, found := formField(contentType, b, field)
	if found != Present {
		return ""
	}
	return string(b[start:end])
}

// isField reports whether the header of a part of a form is that of the field.
func isField(header []byte, field string) bool {
	for line := range bytes.SplitSeq(header, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, colon)
		if !strings.EqualFold(string(bytes.TrimSpace(name)), "Content-Disposition") {
			continue
		}
		_, params, err := mime.ParseMediaType(string(bytes.TrimSpace(value)))
		return err == nil && params["name"] == field && params["filename"] == ""
	}
	return false
}
