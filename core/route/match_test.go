package route

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
)

// TestMatch: the first route whose path and models match; a request without a model is
// matched by its path.
func TestMatch(t *testing.T) {
	all := channels("a")
	route := func(pattern string, models ...string) *config.Route {
		r := routeTo("priority", all)
		r.Pattern, r.Models = pattern, models
		return r
	}
	w := build(t, nil, nil,
		route("/v1/messages", "claude-*"),
		route("/v1/**", "gpt-4o", "o*-mini"),
		route("/v1/embeddings"),
		route("/v1/*", "claude-*"),
		route("/v1beta/**"),
	)
	for _, tt := range []struct {
		path, model string
		want        int // -1: none
	}{
		{"/v1/messages", "claude-opus-4", 0},
		{"/v1/messages", "", 0},
		{"/v1/messages", "gpt-4o", 1},
		{"/v1/messages/batches", "claude-opus-4", -1},
		{"/v1/chat/completions", "gpt-4o", 1},
		{"/v1/chat/completions", "o3-mini", 1},
		{"/v1/chat/completions", "gpt-4o-mini", -1},
		{"/v1/chat/completions", "", 1},
		{"/v1", "gpt-4o", 1},
		{"/v1x", "gpt-4o", -1},
		{"/v1/embeddings", "text-embedding-3", 2},
		{"/v1/embeddings", "gpt-4o", 1},
		{"/v1/complete", "claude-2", 3},
		{"/v1/", "claude-2", -1},
		{"/v1beta/models/gemini-2.0-flash:generateContent", "gemini-2.0-flash", 4},
		{"/", "gpt-4o", -1},
		{"/v2/chat/completions", "", -1},
	} {
		got := -1
		for i, r := range w.table.Routes {
			if r == w.table.Match(tt.path, tt.model) {
				got = i
			}
		}
		if got != tt.want {
			t.Errorf("%s with model %q goes to route %d, want %d", tt.path, tt.model, got, tt.want)
		}
	}
}

func TestRouteOfASingleChannel(t *testing.T) {
	w := build(t, nil, nil, routeTo("priority", channels("a", "b:k")))
	if w.table.Single("z") != nil {
		t.Error("a route for a channel that does not exist")
	}
	var walk Walk
	walk.Begin(w.table.Single("b"), Request{Model: "", Header: session("")})
	if got := w.pick(&walk); got != "b/k" {
		t.Errorf("picked %q", got)
	}
}

// TestBuildFailsAsAWhole: all errors are reported at once, and nothing stays open.
func TestBuildFailsAsAWhole(t *testing.T) {
	all := channels("a:k", "b")
	good := always(planOf(sdk.RuleOrder, "a"))
	routes := []*config.Route{routeTo("good", all), routeTo("absent", all), routeTo("checker", all)}
	_, err := Build(t.Context(), &config.Config{Channels: all, Routes: routes}, Options{
		Registry: channel.NewRegistry(channel.Options{}),
		Open: func(_ context.Context, c *config.Component, purpose Purpose) (sdk.Component, error) {
			switch c.Ref {
			case "good":
				return good, nil
			case "checker":
				return checker{}, nil
			case "absent":
				return nil, errors.New(purpose.Instance() + " has none")
			}
			return builtin(c)
		},
		Notice: func(string) {},
	})
	want := fmt.Sprint("route /v1/** has none\n", `route /v1/**: "checker" is not a strategy`)
	if err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	if good.closed != 1 || len(good.requests()) != 0 {
		t.Errorf("what was opened was closed %d times and asked %d times", good.closed, len(good.requests()))
	}
}

// checker is a component of the wrong kind.
type checker struct{}

func (checker) Configure(context.Context, sdk.Config) error { return nil }
func (checker) Close() error                                { return nil }
