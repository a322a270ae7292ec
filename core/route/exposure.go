package route

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/sdk"
)

// maxAttributeSize bounds what a strategy gets of one attribute, in bytes.
const maxAttributeSize = 16 << 10

// Visible splits the parts of requests that a plan asks for: those that the strategy may
// see, and a warning about each other one. exposed are the parts of the body that the
// strategy's block allows.
func Visible(names, exposed []string) (visible []string, withheld []sdk.Warning) {
	for _, name := range names {
		kind, rest, _ := strings.Cut(name, ".")
		switch {
		case kind == "body" && !isExposed(name, exposed):
			why := fmt.Sprintf("it asks for %s, which is withheld: the body contains the prompt, so the block must allow it: expose = [%q]", name, name)
			if len(exposed) > 0 {
				why += fmt.Sprintf(" (it allows only %s)", wording.List(exposed))
			}
			withheld = append(withheld, sdk.Warning{Path: []string{"expose"}, Message: why})
		case kind != "body" && credential(rest):
			withheld = append(withheld, sdk.Warning{Message: fmt.Sprintf("it asks for %s, which is withheld: it carries a credential", name)})
		default:
			visible = append(visible, name)
		}
	}
	return visible, withheld
}

func isExposed(name string, exposed []string) bool {
	return slices.ContainsFunc(exposed, func(allowed string) bool { return name == allowed || strings.HasPrefix(name, allowed+".") })
}

// attributes returns the named parts of a request. Those that are known are not read again.
func attributes(request *Request, names []string, known map[string]string) map[string]string {
	var out map[string]string
	for _, name := range names {
		v, ok := known[name]
		if !ok {
			v, ok = request.Attribute(name)
			v = strings.Clone(beginning(v, maxAttributeSize))
		}
		if ok {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = v
		}
	}
	return out
}

// beginning returns at most n bytes of s. It splits no character.
func beginning(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := n; i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n] // it is not UTF-8
}

// credential reports whether a header or a query parameter with this name can hold
// a credential.
func credential(name string) bool {
	switch name = strings.ToLower(name); name {
	case "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-goog-api-key", "api-key", "key", "token", "access_token", "api_key":
		return true
	}
	return strings.HasSuffix(name, "-token") || strings.HasSuffix(name, "-key") || strings.Contains(name, "secret")
}
