package command

import (
	"context"
	"slices"

	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/event"
)

// NameKeys stores the names of the keys as in the panel and in lists, because events
// and records contain IDs. It also stores how the channels send their keys.
func (a *Env) NameKeys(ctx context.Context, c *adminclient.Client) {
	all, err := c.Channels(ctx)
	if err != nil {
		return // IDs are shown instead
	}
	a.KeyNames, a.Auths = map[string]string{}, map[string]string{}
	for _, ch := range all {
		a.Auths[ch.Name] = ch.Auth
		for _, k := range ch.Keys.List {
			a.KeyNames[ch.Name+" "+k.ID] = k.Shown
		}
	}
}

// WithKeyNames returns copies with the names of keys instead of their IDs.
func (a *Env) WithKeyNames(attempts []event.Attempt, over []event.PassedOver) ([]event.Attempt, []event.PassedOver) {
	attempts, over = slices.Clone(attempts), slices.Clone(over)
	for i, at := range attempts {
		attempts[i].Key = a.KeyName(at.Channel, at.Key)
	}
	for i, o := range over {
		over[i].Keys = slices.Clone(o.Keys)
		for j, k := range o.Keys {
			over[i].Keys[j].Key = a.KeyName(o.Channel, k.Key)
		}
	}
	return attempts, over
}

// KeyName returns the name of a key, or else its ID.
func (a *Env) KeyName(channel, id string) string {
	if name := a.KeyNames[channel+" "+id]; name != "" {
		return name
	}
	return id
}
