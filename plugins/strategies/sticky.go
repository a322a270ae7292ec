package strategies

import (
	"context"
	"fmt"
	"strings"

	"github.com/aitunnel/aitunnel/sdk"
)

// stickySettings is the block of sticky.
type stickySettings struct {
	On []string `hcl:"on,optional" doc:"Attributes of a request that identify its conversation: header.NAME, query.NAME or body.PATH, where PATH is the path of a field in the JSON body, with dots. The first one that the request has is used."`
}

// By default what the common clients send: a session header, OpenAI's cache
// key, Anthropic's user, OpenAI's user.
var stickyDefaults = stickySettings{On: []string{
	"header.x-session-id", "header.session_id", "header.x-conversation-id",
	"body.prompt_cache_key", "body.session_id", "body.metadata.user_id", "body.user",
}}

var sticky = sdk.Factory{
	Name: "sticky",
	Doc: `Keeps a conversation on one channel, so that it benefits from the site's prompt cache.

The channel is chosen by a hash of the first attribute of "on" that the request has, in proportion to the channels' weights. When the channel fails, its conversations are spread over the others, and return to it when it is available again; no other conversation moves. A request with none of the attributes goes to the channel with the fewest requests in flight. Fallback channels come after all others.`,
	Settings: stickyDefaults,
	New:      func() sdk.Component { return &stickyStrategy{settings: stickyDefaults} },
}

type stickyStrategy struct{ settings stickySettings }

func (s *stickyStrategy) Configure(_ context.Context, cfg sdk.Config) error {
	if err := cfg.Decode(&s.settings); err != nil {
		return err
	}
	if len(s.settings.On) == 0 {
		return &sdk.ConfigError{
			Path: []string{"on"}, Message: "the list is empty, so every request would go to the channel with the fewest requests in flight",
			Hint: `name an attribute such as "header.x-session-id", or use strategy "least-busy"`,
		}
	}
	for _, name := range s.settings.On {
		kind, rest, _ := strings.Cut(name, ".")
		if rest == "" || kind != "header" && kind != "query" && kind != "body" {
			return &sdk.ConfigError{
				Path: []string{"on"}, Message: fmt.Sprintf("%q is not an attribute of a request", name),
				Hint: `write header.NAME, query.NAME or body.PATH, such as "body.metadata.user_id"`,
			}
		}
	}
	return nil
}

func (s *stickyStrategy) Close() error { return nil }

func (s *stickyStrategy) Plan(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	rule := sdk.Rule{Kind: sdk.RuleHash, Hash: s.settings.On}
	return plan(req.Channels, rule, "the same channel for the same conversation"), nil
}
