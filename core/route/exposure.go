package route

import (
	"fmt"
	"strings"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/attribute"
)

// Visible divides the parts of requests that a plan asks for into those that the strategy
// may see, and warnings about the others. exposed are the parts of the body that the
// strategy's block allows.
func Visible(names, exposed []string) (visible []string, withheld []sdk.Warning) {
	for _, name := range names {
		kind, rest, _ := strings.Cut(name, ".")
		switch {
		case kind == "body" && !attribute.IsExposed(name, exposed):
			why := fmt.Sprintf("it asks for %s, which is withheld: the body contains the prompt, so the block must allow it: expose = [%q]", name, name)
			if len(exposed) > 0 {
				why += fmt.Sprintf(" (it allows only %s)", wording.List(exposed))
			}
			withheld = append(withheld, sdk.Warning{Path: []string{"expose"}, Message: why})
		case kind != "body" && attribute.IsCredential(rest):
			withheld = append(withheld, sdk.Warning{Message: fmt.Sprintf("it asks for %s, which is withheld: it carries a credential", name)})
		default:
			visible = append(visible, name)
		}
	}
	return visible, withheld
}

// attributes returns the named parts of a request. known has those that were read already.
func attributes(request *Request, names []string, known map[string]string) map[string]string {
	var out map[string]string
	for _, name := range names {
		v, ok := known[name]
		if !ok {
			v, ok = request.Attribute(name)
			v = strings.Clone(attribute.Cut(v, attribute.Max))
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
