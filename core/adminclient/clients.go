package adminclient

import (
	"context"
	"net/http"
	"net/url"

	"github.com/aitunnel/aitunnel/core/admin"
)

// Clients returns all clients of the proxy.
func (c *Client) Clients(ctx context.Context) ([]admin.Client, error) {
	return fetch[[]admin.Client](ctx, c, "/api/clients")
}

// AddClient adds a client to the configuration, and returns its token.
func (c *Client) AddClient(ctx context.Context, spec admin.ClientSpec) (out admin.AddClientResult, err error) {
	err = c.post(ctx, "/api/clients", spec, &out)
	return out, err
}

// RemoveClient removes a client from the configuration.
func (c *Client) RemoveClient(ctx context.Context, name string) (out admin.EditResult, err error) {
	err = c.Call(ctx, http.MethodDelete, "/api/clients/"+url.PathEscape(name), nil, &out)
	return out, err
}
