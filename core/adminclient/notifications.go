package adminclient

import (
	"context"
	"net/url"

	"github.com/aitunnel/aitunnel/core/admin"
)

// Notifications returns the services that notify the owner.
func (c *Client) Notifications(ctx context.Context) ([]admin.Notification, error) {
	return fetch[[]admin.Notification](ctx, c, "/api/notifications")
}

// TestNotification sends a test message.
func (c *Client) TestNotification(ctx context.Context, name string) (out admin.TestNotificationResult, err error) {
	err = c.post(ctx, "/api/notifications/"+url.PathEscape(name)+"/test", nil, &out)
	return out, err
}
