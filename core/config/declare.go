package config

import (
	"fmt"
	"reflect"
)

// declaration is a block of the configuration: what it is for, and the value of
// one that sets nothing, whose fields declare the settings.
type declaration struct {
	name     string
	label    string // what the label says, "" for a block without one
	sample   string // a label for the example
	repeated bool
	doc      string
	value    any // a pointer to a struct; nil: see its doc
}

// declarations are the blocks at the top level, in the order of the
// documentation.
func declarations() []declaration {
	d := defaults("")
	return []declaration{
		{name: "proxy", value: &d.Proxy, doc: "The port that apps use in place of the site: the unified entry."},
		{name: "admin", value: &d.Admin, doc: "The port of the panel, the API and the event stream."},
		{name: "client", label: "name", sample: "openclaw", repeated: true, value: defaultClient(), doc: "Somebody who may use the proxy, with a token of their own. The name is used in logs, statistics and the panel. Who sends one of proxy.client_tokens is the client \"default\", and everybody is \"anonymous\" if there is no token at all; blocks with these names set limits and have no token."},
		{name: "channel", label: "name", sample: "primary", repeated: true, value: defaultChannel(), doc: "A site with its keys. The name is used in references, logs and the panel: channel.NAME."},
		{name: "route", label: "path", sample: "/v1/**", repeated: true, value: defaultRoute(), doc: "Sends requests to channels. The first route in the file whose path and models match is used. \"/v1/**\" matches /v1 and everything below it, \"/v1/*\" one more segment, anything else exactly. Without any route, every request goes to all channels by priority."},
		{name: "egress", label: "name", sample: "home", repeated: true, value: &Egress{}, doc: "A way out by which sites are reached: a proxy, the host of a tunnel, or a network interface. It has one of the three settings. egress.direct and egress.environment are there without a block."},
		{name: "tunnel", label: "name", sample: "vps", repeated: true, value: defaultTunnel(), doc: "An SSH connection to a server, on which it opens ports that lead here."},
		{name: "retry", value: &d.Retry, doc: "What follows a failed attempt."},
		{name: "breaker", value: &d.Breaker, doc: "When a failing channel is left out for a while."},
		{name: "verdict", label: "name", sample: "my-site-overloaded", repeated: true, value: &verdictSettings{}, doc: "What an answer of a site means, where the built-in rules are wrong or do not know it. The first rule that matches decides: those of the channel, those at the top level, those of plugins, the built-in ones."},
		{name: "history", value: &d.History, doc: "What is kept of requests: their records, and hourly and daily sums. Never a prompt, an answer or a secret. It is in history.db in the state directory; aitunnel usage and aitunnel requests show it."},
		{name: "price", label: "models", sample: "gpt-5*", repeated: true, value: defaultPrice(), doc: "What models cost, per million tokens. The label is a model; * matches any characters. The first price in the file that matches counts, by the name that was sent to the site, then by the one that was asked for. Without a price a cost is unknown."},
		{name: "plugin", label: "name", sample: "acme", repeated: true, value: &Plugin{Resources: DefaultResources()}, doc: "A third-party executable with strategies, key selectors or health checkers, named \"acme/bandit\" in the blocks that use them. It must be locked first: aitunnel plugin init, or aitunnel plugin install."},
		{name: "notify", label: "name", sample: "phone", repeated: true, value: defaultNotify(), doc: "A service that notifies you when something needs you: what happened, what is used instead, and what to do. What happens within a minute is one message, and another one follows when it is over. aitunnel notify test sends a message now."},
		{name: "log", value: &d.Log, doc: "The log of the program."},
		{name: "variable", label: "name", sample: "home_key", repeated: true, value: &variableSettings{}, doc: "A value that is given from outside. Refer to it as var.NAME."},
		{name: "locals", repeated: true, doc: "Named values, for use in other places as local.NAME."},
	}
}

// BlockNames are the types of the blocks at the top level.
func BlockNames() (names []string) {
	for _, d := range declarations() {
		names = append(names, d.name)
	}
	return names
}

// nested is the declaration of a block inside a block, "" for the label of one
// that has none.
func nested(s setting, field reflect.Value) declaration {
	d := declaration{name: s.name, doc: s.doc, repeated: s.role == roleBlocks}
	switch s.name {
	case "key_selector":
		d.label, d.sample, d.value = "name", "round-robin", &selectorSettings{}
	case "strategy":
		d.label, d.sample, d.value = "name", "priority", &strategySettings{}
	case "shadow":
		d.label, d.sample, d.repeated = "name", "lowest-latency", true
	case "health_check":
		d.label, d.sample, d.value = "name", "http", defaultHealthCheck()
	case "forward":
		d.label, d.sample, d.value = "address", "127.0.0.1:9000", &Forward{}
	case "key":
		d.label, d.sample, d.value = "label", "team", defaultKey()
	case "verdict":
		d.label, d.sample, d.value = "name", "my-site-overloaded", &verdictSettings{}
	default:
		if s.role != roleBlock {
			panic(fmt.Sprintf("the block %q is not declared", s.name)) // a mistake in this package, found by every test
		}
		d.value = field.Addr().Interface()
	}
	return d
}
