package config

import (
	"fmt"
	"reflect"

	"github.com/aitunnel/aitunnel/core/config/block"
)

// declaration is a block of the configuration: its purpose, and the value of a block without
// settings, whose fields declare the settings.
type declaration struct {
	name     string
	label    string // what the label is, "" for a block without one
	sample   string // a label for the example
	repeated bool
	doc      string
	value    any // a pointer to a struct; nil: see its doc
}

// declarations returns the blocks at the top level, in the order of the
// documentation.
func declarations() []declaration {
	d := defaults("")
	return []declaration{
		{name: "proxy", value: &d.Proxy, doc: "The port that apps use instead of a site."},
		{name: "admin", value: &d.Admin, doc: "The port of the panel, the API and the event stream."},
		{name: "client", label: "name", sample: "openclaw", repeated: true, value: defaultClient(), doc: "An app or person that may use the proxy, with its own token. The name appears in logs, statistics and the panel. Callers that send one of proxy.client_tokens are the client \"default\"; if no token is configured at all, everyone is \"anonymous\". Blocks with these names set limits and have no token."},
		{name: "channel", label: "name", sample: "primary", repeated: true, value: defaultChannel(), doc: "A site with its keys. The name is used in references, logs and the panel: channel.NAME."},
		{name: "route", label: "path", sample: "/v1/**", repeated: true, value: defaultRoute(), doc: "Sends requests to channels. The first route in the file whose path and models match is used. \"/v1/**\" matches /v1 and everything below it, \"/v1/*\" one more segment, anything else exactly. Without any route, every request goes to all channels by priority."},
		{name: "egress", label: "name", sample: "home", repeated: true, value: &Egress{}, doc: "How sites are reached: through a proxy, through the host of a tunnel, or over a given network interface. Exactly one of the three settings is required. egress.direct and egress.environment are predefined."},
		{name: "tunnel", label: "name", sample: "vps", repeated: true, value: defaultTunnel(), doc: "An SSH connection to a server, and the ports on that server that are forwarded to this program."},
		{name: "retry", value: &d.Retry, doc: "What happens after a failed attempt."},
		{name: "breaker", value: &d.Breaker, doc: "When a failing channel is taken out of use for a while."},
		{name: "verdict", label: "name", sample: "my-site-overloaded", repeated: true, value: &verdictSettings{}, doc: "What a site's answer means, where the built-in rules get it wrong or do not recognize it. The first rule that matches decides: those of the channel, those at the top level, those of plugins, the built-in ones."},
		{name: "history", value: &d.History, doc: "The history of requests: a record of each, and hourly and daily sums, but never a prompt, an answer or a secret. It is stored in history.db in the state directory; aitunnel usage and aitunnel requests show it."},
		{name: "price", label: "models", sample: "gpt-5*", repeated: true, value: defaultPrice(), doc: "What models cost, per million tokens. The label is a model; * matches any characters. The first matching price in the file applies: by the name that was sent to the site, then by the name in the request. Without a price, the cost is unknown."},
		{name: "plugin", label: "name", sample: "acme", repeated: true, value: &Plugin{Resources: DefaultResources()}, doc: "A third-party executable with strategies, key selectors or health checkers, named \"acme/bandit\" in the blocks that use them. It must be locked first: aitunnel plugin init, or aitunnel plugin install."},
		{name: "notify", label: "name", sample: "phone", repeated: true, value: defaultNotify(), doc: "A service that notifies you when something needs your attention: what happened, what is used instead, and what to do. Problems within a minute are combined into one message, and another message follows when they are over. aitunnel notify test sends a message now."},
		{name: "log", value: &d.Log, doc: "The log of the program."},
		{name: "variable", label: "name", sample: "home_key", repeated: true, value: &variableSettings{}, doc: "A value that is set from outside. Refer to it as var.NAME."},
		{name: "locals", repeated: true, doc: "Named values, used elsewhere as local.NAME."},
	}
}

// BlockNames returns the types of the blocks at the top level.
func BlockNames() (names []string) {
	for _, d := range declarations() {
		names = append(names, d.name)
	}
	return names
}

// nested returns the declaration of a block inside a block, "" for the label of one
// that has none.
func nested(s block.Setting, field reflect.Value) declaration {
	d := declaration{name: s.Name, doc: s.Doc, repeated: s.Role == block.RoleBlocks}
	switch s.Name {
	case "key_selector":
		d.label, d.sample, d.value = "name", "round-robin", &selectorSettings{}
	case "strategy":
		d.label, d.sample, d.value = "name", "priority", &strategySettings{}
	case "shadow":
		d.label, d.sample, d.value, d.repeated = "name", "lowest-latency", &shadowSettings{}, true
	case "health_check":
		d.label, d.sample, d.value = "name", "http", defaultHealthCheck()
	case "forward":
		d.label, d.sample, d.value = "address", "127.0.0.1:9000", &Forward{}
	case "key":
		d.label, d.sample, d.value = "label", "team", defaultKey()
	case "verdict":
		d.label, d.sample, d.value = "name", "my-site-overloaded", &verdictSettings{}
	default:
		if s.Role != block.RoleBlock {
			panic(fmt.Sprintf("the block %q is not declared", s.Name)) // a mistake in this package, found by every test
		}
		d.value = field.Addr().Interface()
	}
	return d
}
