package adminapi

import (
	"context"
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
)

// Notifications is for [admin.Source].
func (s *Source) Notifications() []admin.Notification {
	out := []admin.Notification{}
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	for _, n := range s.program.Notifier.Status() {
		out = append(out, admin.Notification{Name: n.Name, Service: n.Service, Events: n.Events, Pending: n.Pending, Sent: at(n.Sent), Error: n.Error, Retry: at(n.Retry)})
	}
	return out
}

// TestNotification is for [admin.Source].
func (s *Source) TestNotification(ctx context.Context, name string) (admin.TestNotificationResult, error) {
	known, err := s.program.Notifier.Test(ctx, name)
	if !known {
		return admin.TestNotificationResult{}, admin.NotFound(fmt.Sprintf("the configuration has no notify block %q", name))
	}
	out := admin.TestNotificationResult{Name: name, OK: err == nil}
	if err != nil {
		out.Error = err.Error()
	}
	return out, nil
}
