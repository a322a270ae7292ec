package verdict

import (
	"fmt"
	"net/http"
	"strings"
)

// reason returns a short account for logs. Of what the site wrote it repeats only
// codes, and of those only words that are known: a site may put the key that it
// was sent into any field.
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
		b.WriteString(" as a page")
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

// knownWords returns a code in which each word that this package does not know is
// replaced; "" if too little of it is known, or if it is only a number.
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
