package adminclient

import (
	"context"
	"net/http"
	"net/url"

	"github.com/aitunnel/aitunnel/core/admin"
)

// fetch gets what is at path.
func fetch[T any](ctx context.Context, c *Client, path string) (out T, err error) {
	err = c.get(ctx, path, &out)
	return out, err
}

// Status returns the state of the daemon.
func (c *Client) Status(ctx context.Context) (admin.Status, error) {
	return fetch[admin.Status](ctx, c, "/api/status")
}

// Channels returns all channels.
func (c *Client) Channels(ctx context.Context) ([]admin.Channel, error) {
	return fetch[[]admin.Channel](ctx, c, "/api/channels")
}

// Routes returns all routes.
func (c *Client) Routes(ctx context.Context) ([]admin.Route, error) {
	return fetch[[]admin.Route](ctx, c, "/api/routes")
}

// Tunnels returns all tunnels.
func (c *Client) Tunnels(ctx context.Context) ([]admin.Tunnel, error) {
	return fetch[[]admin.Tunnel](ctx, c, "/api/tunnels")
}

// RetryTunnel makes a tunnel that is waiting or has failed try again now.
func (c *Client) RetryTunnel(ctx context.Context, tunnel string) (out admin.Tunnel, err error) {
	err = c.post(ctx, "/api/tunnels/"+url.PathEscape(tunnel)+"/retry", nil, &out)
	return out, err
}

// Plugins returns all plugins and their processes.
func (c *Client) Plugins(ctx context.Context) (admin.Plugins, error) {
	return fetch[admin.Plugins](ctx, c, "/api/plugins")
}

// Stats returns the counters.
func (c *Client) Stats(ctx context.Context) (admin.Summary, error) {
	return fetch[admin.Summary](ctx, c, "/api/stats")
}

// Entry returns the address and tokens that apps use. It is available over the control
// socket only.
func (c *Client) Entry(ctx context.Context) (admin.Entry, error) {
	return fetch[admin.Entry](ctx, c, "/api/entry")
}

// Explain returns what would happen to a request.
func (c *Client) Explain(ctx context.Context, q admin.ExplainRequest) (out admin.Explanation, err error) {
	err = c.post(ctx, "/api/explain", q, &out)
	return out, err
}

// channelPath returns the path of a channel, or of one of its parts.
func channelPath(name string, more ...string) string {
	path := "/api/channels/" + url.PathEscape(name)
	for _, part := range more {
		path += "/" + url.PathEscape(part)
	}
	return path
}

// Pause stops the use of a channel for new requests.
func (c *Client) Pause(ctx context.Context, channel string) (admin.Channel, error) {
	return c.toggle(ctx, channel, false)
}

// Resume ends a pause.
func (c *Client) Resume(ctx context.Context, channel string) (admin.Channel, error) {
	return c.toggle(ctx, channel, true)
}

func (c *Client) toggle(ctx context.Context, channel string, enabled bool) (out admin.Channel, err error) {
	err = c.post(ctx, channelPath(channel, "toggle"), map[string]bool{"enabled": enabled}, &out)
	return out, err
}

// Prefer makes the routes of a channel try it first, or ends that.
func (c *Client) Prefer(ctx context.Context, channel string, on bool) (out admin.PreferResult, err error) {
	err = c.post(ctx, channelPath(channel, "switch"), map[string]bool{"on": on}, &out)
	return out, err
}

// Check runs the health check of a channel.
func (c *Client) Check(ctx context.Context, channel string) (out admin.CheckResult, err error) {
	err = c.post(ctx, channelPath(channel, "check"), nil, &out)
	return out, err
}

// Models returns the models that the site of a channel offers.
func (c *Client) Models(ctx context.Context, channel string) (admin.Models, error) {
	return fetch[admin.Models](ctx, c, channelPath(channel, "models"))
}

// Try sends one real request to a channel.
func (c *Client) Try(ctx context.Context, channel string, t admin.TryRequest) (out admin.TryResult, err error) {
	err = c.post(ctx, channelPath(channel, "try"), t, &out)
	return out, err
}

// AddChannel adds a channel to the configuration.
func (c *Client) AddChannel(ctx context.Context, spec admin.ChannelSpec) (out admin.EditResult, err error) {
	err = c.post(ctx, "/api/channels", spec, &out)
	return out, err
}

// ChangeChannel changes a channel in the configuration.
func (c *Client) ChangeChannel(ctx context.Context, channel string, spec admin.ChannelSpec) (out admin.EditResult, err error) {
	err = c.Call(ctx, http.MethodPut, channelPath(channel), spec, &out)
	return out, err
}

// RemoveChannel removes a channel from the configuration.
func (c *Client) RemoveChannel(ctx context.Context, channel string) (out admin.EditResult, err error) {
	err = c.Call(ctx, http.MethodDelete, channelPath(channel), nil, &out)
	return out, err
}

// AddKey adds a key to a channel.
func (c *Client) AddKey(ctx context.Context, channel string, key admin.KeySpec) (out admin.AddKeyResult, err error) {
	err = c.post(ctx, channelPath(channel, "keys"), key, &out)
	return out, err
}

// RemoveKey removes a key, by its ID, from a channel.
func (c *Client) RemoveKey(ctx context.Context, channel, key string) (out admin.EditResult, err error) {
	err = c.Call(ctx, http.MethodDelete, channelPath(channel, "keys", key), nil, &out)
	return out, err
}

// Config returns the text of the configuration, with placeholders for secrets.
func (c *Client) Config(ctx context.Context) (admin.ConfigText, error) {
	return fetch[admin.ConfigText](ctx, c, "/api/config")
}

// Reload applies the configuration from its files.
func (c *Client) Reload(ctx context.Context) (out admin.Reload, err error) {
	err = c.post(ctx, "/api/config/reload", nil, &out)
	return out, err
}

// Undo undoes the newest edit of the configuration.
func (c *Client) Undo(ctx context.Context) (out admin.EditResult, err error) {
	err = c.post(ctx, "/api/config/undo", nil, &out)
	return out, err
}

// DryRun returns what a reload would change, with the draft instead of a file if there
// is one.
func (c *Client) DryRun(ctx context.Context, draft *admin.Draft) (out admin.Reload, err error) {
	var in any
	if draft != nil {
		in = draft
	}
	err = c.post(ctx, "/api/config/plan", in, &out)
	return out, err
}

// RestartPlugin replaces the process of a plugin.
func (c *Client) RestartPlugin(ctx context.Context, name string) (out admin.Reload, err error) {
	err = c.post(ctx, "/api/plugins/"+url.PathEscape(name)+"/restart", nil, &out)
	return out, err
}

// PanelLink returns a link that signs in to the panel once. It is available over the
// control socket only.
func (c *Client) PanelLink(ctx context.Context) (out admin.Link, err error) {
	err = c.post(ctx, "/api/session/link", nil, &out)
	return out, err
}
