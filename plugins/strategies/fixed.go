package strategies

import "github.com/aitunnel/aitunnel/sdk"

var priority = sdk.Factory{
	Name: "priority",
	Doc: `Sends every request to the available channel with the highest weight.

Channels of equal weight are tried in the order of the configuration. Fallback channels come after all others.`,
	New: func() sdk.Component {
		return fixed{reason: "the highest weight first", rule: sdk.RuleOrder, sorted: true}
	},
}

var roundRobin = sdk.Factory{
	Name: "round-robin",
	Doc: `Gives the channels one request each in turn, whatever their weight.

Channels of weight 0 are used only when no other is available. Fallback channels come after all others, in turn among themselves.`,
	New: func() sdk.Component {
		return fixed{reason: "in turn", rule: sdk.RuleCycle}
	},
}

var weighted = sdk.Factory{
	Name: "weighted",
	Doc: `Distributes the requests in proportion to the channels' weights, evenly mixed.

Weights 3 and 1 give three of four requests to the first channel. Channels of weight 0 are used only when no other is available. Fallback channels come after all others.`,
	New: func() sdk.Component {
		return fixed{reason: "in proportion to weight", rule: sdk.RuleSmoothWRR}
	},
}

var leastBusy = sdk.Factory{
	Name: "least-busy",
	Doc: `Sends each request to the channel with the fewest requests in flight for its weight.

A channel of weight 2 gets two requests at a time where one of weight 1 gets one; with equal weights only the number of requests counts. Of several that are equally busy, the one used longest ago is next. Fallback channels come after all others.`,
	New: func() sdk.Component {
		return fixed{reason: "the fewest requests in flight for its weight", rule: sdk.RuleLeastLoad}
	},
}
