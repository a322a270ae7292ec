package verdict

import (
	"strings"

	"github.com/tidwall/gjson"
)

// plainCode returns a code in snake case, so that a rule works for each spelling:
// "InsufficientBalanceError", "ERR_INSUFFICIENT_BALANCE" and "insufficient-balance"
// become insufficient_balance. It is "" for a code that is in this form already,
// and for numbers.
func plainCode(code string) string {
	var b strings.Builder
	letters, upper := false, false // whether the last one was upper case
	for i := range len(code) {
		c := code[i]
		switch {
		case 'A' <= c && c <= 'Z':
			next := i+1 < len(code) && 'a' <= code[i+1] && code[i+1] <= 'z'
			if letters && (!upper || next) && !strings.HasSuffix(b.String(), "_") {
				b.WriteByte('_')
			}
			b.WriteByte(c + 'a' - 'A')
			letters, upper = true, true
			continue
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			b.WriteByte(c)
			letters = letters || c >= 'a'
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
		upper = false
	}
	plain := strings.Trim(b.String(), "_")
	for _, word := range []string{"error", "exception", "err"} {
		if rest, ok := strings.CutSuffix(plain, "_"+word); ok {
			plain = rest
		}
		if rest, ok := strings.CutPrefix(plain, word+"_"); ok {
			plain = rest
		}
	}
	if !letters || plain == code {
		return ""
	}
	return plain
}

// isStored reports whether a document describes a stored object, such as a batch:
// an error in it is the object's, and not that of the request for it.
func isStored(body []byte) bool {
	o := objectOf(gjson.ParseBytes(body))
	kind := scalar(o.get("object"))
	return scalar(o.get("id")) != "" && kind != "" && kind != "error" || scalar(o.get("name")) != "" && o.get("done").Exists()
}
