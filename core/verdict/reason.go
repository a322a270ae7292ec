package verdict

import (
	"fmt"
	"net/http"
	"strings"
)

// reason is a short account for logs. Of what the site wrote it repeats only
// codes, and of those only words that are known: a site may put the key that it
// was sent into any field.
func reason(v *Verdict, a *Answer) string {
	var b strings.Builder
	switch v.Status {
	case 0:
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
	if a.Event {
		b.WriteString(" in the stream")
	}
	return b.String() + ": " + v.Means.Text()
}

func statusText(status int) string {
	if status == 529 {
		return "Overloaded"
	}
	return http.StatusText(status)
}

// knownWords is a code in which each word that this package does not know is
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
