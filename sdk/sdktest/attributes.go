package sdktest

import (
	"slices"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/attribute"
)

// Expose sets the parts of the body that the strategy may see, like the setting expose of a
// block. By default, [Route] and [Simulation.Observe] pass on none.
func Expose(parts ...string) Option { return func(k *kit) { k.exposed = append(k.exposed, parts...) } }

// passed returns what the host would pass on of a request's attributes while the plan is
// in use. The test's log says what is left out, and why.
func (k *kit) passed(t *testing.T, p sdk.Plan, all map[string]string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, value := range all {
		switch why := k.withheld(p, name); {
		case why != "":
			t.Logf("the strategy does not get %s: %s", name, why)
		case value != "":
			out[name] = attribute.Cut(value, attribute.Max)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// withheld returns why the host would not pass on an attribute; "" if it would.
func (k *kit) withheld(p sdk.Plan, name string) string {
	kind, rest, _ := strings.Cut(name, ".")
	switch {
	case !slices.Contains(p.Attributes, name):
		return "the Attributes of its plan do not name it"
	case kind == "body" && !attribute.IsExposed(name, k.exposed):
		return "the block must allow parts of the body: give the kit the option sdktest.Expose"
	case kind != "body" && attribute.IsCredential(rest):
		return "it carries a credential"
	}
	return ""
}

// noAttribute returns the first name that is not an attribute of requests.
func noAttribute(names []string) (name string, found bool) {
	i := slices.IndexFunc(names, func(name string) bool { return !attribute.IsValid(name) })
	if i < 0 {
		return "", false
	}
	return names[i], true
}
