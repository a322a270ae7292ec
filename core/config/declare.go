package config

import (
	"fmt"
	"reflect"

	"github.com/aitunnel/aitunnel/core/config/block"
)

// reference prints the blocks as an example and as documentation.
var reference = block.Reference{Inner: nested}

// declarations returns the blocks at the top level, in the order of the
// documentation.
func declarations() []block.Declaration {
	d := defaults("")
	return []block.Declaration{
		{Name: "proxy", Value: &d.Proxy, Doc: "The port that apps use instead of a site."},
		{Name: "admin", Value: &d.Admin, Doc: "The port of the panel, the API and the event stream."},
		{Name: "client", Label: "name", Sample: "openclaw", Repeated: true, Value: defaultClient(), Doc: "An app or person that may use the proxy, with its own token. The name appears in logs, statistics and the panel. Callers that send one of proxy.client_tokens are the client \"default\"; if no token is configured at all, everyone is \"anonymous\". Blocks with these names set limits and have no token."},
		{Name: "channel", Label: "name", Sample: "primary", Repeated: true, Value: defaultChannel(), Doc: "A site with its keys. The name is used in references, logs and the panel: channel.NAME."},
		{Name: "route", Label: "path", Sample: "/v1/**", Repeated: true, Value: defaultRoute(), Doc: "Sends requests to channels. The first route in the file whose path and models match is used. \"/v1/**\" matches /v1 and everything below it, \"/v1/*\" one more segment, anything else exactly. Without any route, every request goes to all channels by priority."},
		{Name: "egress", Label: "name", Sample: "home", Repeated: true, Value: &Egress{}, Doc: "How sites are reached: through a proxy, through the host of a tunnel, or over a given network interface. Exactly one of the three settings is required. egress.direct and egress.environment are predefined."},
		{Name: "tunnel", Label: "name", Sample: "vps", Repeated: true, Value: defaultTunnel(), Doc: "An SSH connection to a server, and the ports on that server that are forwarded to this program."},
		{Name: "retry", Value: &d.Retry, Doc: "What happens after a failed attempt."},
		{Name: "breaker", Value: &d.Breaker, Doc: "When a failing channel is taken out of use for a while."},
		{Name: "verdict", Label: "name", Sample: "my-site-overloaded", Repeated: true, Value: &verdictSettings{}, Doc: "What a site's answer means, where the built-in rules get it wrong or do not recognize it. The first rule that matches decides: those of the channel, those at the top level, those of plugins, the built-in ones."},
		{Name: "history", Value: &d.History, Doc: "The history of requests: a record of each, and hourly and daily sums, but never a prompt, an answer or a secret. It is stored in history.db in the state directory; aitunnel usage and aitunnel requests show it."},
		{Name: "price", Label: "models", Sample: "gpt-5*", Repeated: true, Value: defaultPrice(), Doc: "What models cost, per million tokens. The label is a model; * matches any characters. The first matching price in the file applies: by the name that was sent to the site, then by the name in the request. Without a price, the cost is unknown."},
		{Name: "plugin", Label: "name", Sample: "acme", Repeated: true, Value: &Plugin{Resources: DefaultResources()}, Doc: "A third-party executable with strategies, key selectors or health checkers, named \"acme/bandit\" in the blocks that use them. It must be locked first: aitunnel plugin init, or aitunnel plugin install."},
		{Name: "notify", Label: "name", Sample: "phone", Repeated: true, Value: defaultNotify(), Doc: "A service that notifies you when something needs your attention: what happened, what is used instead, and what to do. Problems within a minute are combined into one message, and another message follows when they are over. aitunnel notify test sends a message now."},
		{Name: "log", Value: &d.Log, Doc: "The log of the program."},
		{Name: "variable", Label: "name", Sample: "home_key", Repeated: true, Value: &variableSettings{}, Doc: "A value that is set from outside. Refer to it as var.NAME."},
		{Name: "locals", Repeated: true, Body: []string{`slow = "10m"`}, Doc: "Named values, used elsewhere as local.NAME."},
	}
}

// BlockNames returns the types of the blocks at the top level.
func BlockNames() (names []string) {
	for _, d := range declarations() {
		names = append(names, d.Name)
	}
	return names
}

// nested returns the declaration of a nested block.
func nested(s block.Setting, field reflect.Value) block.Declaration {
	d := block.Declaration{Name: s.Name, Doc: s.Doc, Repeated: s.Role == block.RoleBlocks}
	switch s.Name {
	case "key_selector":
		d.Label, d.Sample, d.Value = "name", "round-robin", &selectorSettings{}
	case "strategy":
		d.Label, d.Sample, d.Value = "name", "priority", &strategySettings{}
	case "shadow":
		d.Label, d.Sample, d.Value, d.Repeated = "name", "lowest-latency", &shadowSettings{}, true
	case "health_check":
		d.Label, d.Sample, d.Value = "name", "http", defaultHealthCheck()
	case "forward":
		d.Label, d.Sample, d.Value = "address", "127.0.0.1:9000", &Forward{}
		d.Uncommented = true
	case "key":
		d.Label, d.Sample, d.Value = "label", "team", defaultKey()
		d.Doc = "A key with a label or a weight."
	case "verdict":
		d.Label, d.Sample, d.Value = "name", "my-site-overloaded", &verdictSettings{}
		d.DocumentedElsewhere = true
	default:
		if s.Role != block.RoleBlock {
			panic(fmt.Sprintf("the block %q is not declared", s.Name)) // a mistake in this package, found by every test
		}
		d.Value = field.Addr().Interface()
	}
	return d
}
