package command

import (
	"context"
	"slices"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/event"
)

// KeyNames are the names of keys as in the panel and in lists, by channel and ID: events and
// records contain IDs.
type KeyNames map[string]string

// KeyNamesOf returns the names of the keys of channels.
func KeyNamesOf(channels []admin.Channel) KeyNames {
	names := KeyNames{}
	for _, ch := range channels {
		for _, k := range ch.Keys.List {
			names[ch.Name+" "+k.ID] = k.Shown
		}
	}
	return names
}

// Name returns the name of a key, or else its ID.
func (n KeyNames) Name(channel, id string) string {
	if name := n[channel+" "+id]; name != "" {
		return name
	}
	return id
}

// Event returns a copy of an event with the names of keys instead of their IDs.
func (n KeyNames) Event(e event.Event) event.Event {
	e.Key = n.Name(e.Channel, e.Key)
	if e.Request != nil {
		r := *e.Request
		r.Attempts, r.PassedOver = n.Attempts(r.Attempts, r.PassedOver)
		e.Request = &r
	}
	return e
}

// Attempts returns copies with the names of keys instead of their IDs.
func (n KeyNames) Attempts(attempts []event.Attempt, over []event.PassedOver) ([]event.Attempt, []event.PassedOver) {
	attempts, over = slices.Clone(attempts), slices.Clone(over)
	for i, at := range attempts {
		attempts[i].Key = n.Name(at.Channel, at.Key)
	}
	for i, o := range over {
		over[i].Keys = slices.Clone(o.Keys)
		for j, k := range o.Keys {
			over[i].Keys[j].Key = n.Name(o.Channel, k.Key)
		}
	}
	return attempts, over
}

// NameKeys stores the names of the keys, and how the channels send their keys.
func (a *Env) NameKeys(ctx context.Context, c *adminclient.Client) {
	all, err := c.Channels(ctx)
	if err != nil {
		return // IDs are shown instead
	}
	a.KeyNames, a.Auths = KeyNamesOf(all), map[string]string{}
	for _, ch := range all {
		a.Auths[ch.Name] = ch.Auth
	}
}
