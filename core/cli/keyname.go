package cli

import (
	"context"

	"github.com/aitunnel/aitunnel/core/adminclient"
)

// nameKeys remembers what the panel and lists call the keys; events and records
// have their IDs. It remembers how the channels take their keys, too.
func (a *app) nameKeys(ctx context.Context, c *adminclient.Client) {
	all, err := c.Channels(ctx)
	if err != nil {
		return // the IDs are shown
	}
	a.keyNames, a.auths = map[string]string{}, map[string]string{}
	for _, ch := range all {
		a.auths[ch.Name] = ch.Auth
		for _, k := range ch.Keys.List {
			a.keyNames[ch.Name+" "+k.ID] = k.Shown
		}
	}
}

// keyName returns what a key is called, else its ID.
func (a *app) keyName(channel, id string) string {
	if name := a.keyNames[channel+" "+id]; name != "" {
		return name
	}
	return id
}
