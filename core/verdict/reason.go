package verdict

import (
	"fmt"
	"net/http"
	"strings"
)

// reason returns a short description for logs. It quotes only codes from the site, and
// only known words in them: a site may repeat the key in any field.
func reason(v *Verdict, a *Answer) string {
	var b strings.Builder
	switch {
	case a.Empty:
		fmt.Fprintf(&b, "empty answer with status %d", v.Status)
	case v.Status == 0:
		b.WriteString("error")
	default:
		fmt.Fprintf(&b, "%d", v.Status)
		if text := statusText(v.Status); text != "" {
			b.WriteString(" " + text)
		}
	}
	if v.Page {
		b.WriteString(" (a web page)")
	}
	if code := firstOf(knownWords(v.Code), knownWords(v.Type)); code != "" {
		b.WriteString(" (" + code + ")")
	}
	switch {
	case !a.Event:
	case a.Streamed, mediaType(a.Header.Get("Content-Type")) == "text/event-stream":
		b.WriteString(" in the stream")
	default:
		b.WriteString(" in the answer")
	}
	return b.String() + ": " + v.Means.Text()
}

func statusText(status int) string {
	if status == 529 {
		return "Overloaded"
	}
	return http.StatusText(status)
}

// knownWords returns a code in which unknown words are replaced; "" if too few words
// are known, or if it is only a number.
func knownWords(code string) string {
	if len(code) > 64 || strings.ContainsAny(code, " \t\n") {
		return ""
	}
	out := anonymize(code)
	if strings.Trim(out, "0123456789…_-.:/") == "" {
		return ""
	}
	return out
}
