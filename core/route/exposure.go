package route

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// maxAttributeSize bounds what a strategy gets of one attribute, in bytes.
const maxAttributeSize = 16 << 10

// exposure decides which parts of a request a strategy may see. The user is notified
// once about each part that is withheld.
type exposure struct {
	name   string   // of the strategy, for people
	expose []string // parts of the body that the configuration allows
	notice func(string)

	mu       sync.Mutex
	withheld map[string]bool
}

func newExposure(name string, expose []string, notice func(string)) *exposure {
	return &exposure{name: name, expose: expose, notice: notice, withheld: map[string]bool{}}
}

func (e *exposure) equal(other *exposure) bool {
	if e == nil || other == nil {
		return e == other
	}
	return slices.Equal(e.expose, other.expose)
}

// attributes returns the named parts of a request, as far as the strategy may see them.
func (e *exposure) attributes(request *Request, names []string) map[string]string {
	var out map[string]string
	for _, name := range names {
		if !e.allows(name) {
			continue
		}
		if v, ok := request.Attribute(name); ok {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = strings.Clone(v[:min(len(v), maxAttributeSize)])
		}
	}
	return out
}

func (e *exposure) allows(name string) bool {
	kind, rest, _ := strings.Cut(name, ".")
	why := ""
	switch {
	case kind == "body" && !slices.ContainsFunc(e.expose, func(allowed string) bool { return name == allowed || strings.HasPrefix(name, allowed+".") }):
		why = fmt.Sprintf("the body contains the prompt, so the block must allow it: expose = [%q]", name)
	case kind != "body" && credential(rest):
		why = "it carries a credential"
	default:
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.withheld[name] && len(e.withheld) < maxAttributes {
		e.withheld[name] = true
		e.notice(fmt.Sprintf("%s asks for %s, which is withheld: %s", e.name, name, why))
	}
	return false
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
