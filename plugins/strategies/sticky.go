package strategies

import (
	"context"
	"fmt"
	"strings"

	"github.com/aitunnel/aitunnel/sdk"
)

// stickySettings is the block of sticky.
type stickySettings struct {
	On []string `hcl:"on,optional" doc:"Attributes of a request that tell conversations apart: header.NAME, query.NAME or body.PATH, where PATH leads through a JSON body by dots. The first that a request carries counts."`
}

// By default what the common clients send: a session header, OpenAI's cache
// key, Anthropic's user, OpenAI's user.
var stickyDefaults = stickySettings{On: []string{
	"header.x-session-id", "header.session_id", "header.x-conversation-id",
	"body.prompt_cache_key", "body.session_id", "body.metadata.user_id", "body.user",
}}

var sticky = sdk.Factory{
	Name: "sticky",
	Doc: `Keeps a conversation on one channel, so that the site's prompt cache is hit.

The channel follows from a hash of the first attribute of "on" that the request carries, in proportion to the channels' weights. When the channel fails, its conversations are spread over the others, and come back to it later; no other conversation moves. A request without any of the attributes goes where the fewest are under way. Fallback channels come after all others.`,
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
			Path: []string{"on"}, Message: "the list is empty, so every request would go where the fewest are under way",
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
