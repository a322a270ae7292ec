package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/event"
)

// nameKeys stores the names of the keys as in the panel and in lists, because events
// and records contain IDs. It also stores how the channels send their keys.
func (a *app) nameKeys(ctx context.Context, c *adminclient.Client) {
	all, err := c.Channels(ctx)
	if err != nil {
		return // IDs are shown instead
	}
	a.keyNames, a.auths = map[string]string{}, map[string]string{}
	for _, ch := range all {
		a.auths[ch.Name] = ch.Auth
		for _, k := range ch.Keys.List {
			a.keyNames[ch.Name+" "+k.ID] = k.Shown
		}
	}
}

// withNames returns copies with the names of keys instead of their IDs.
func (a *app) withNames(attempts []event.Attempt, over []event.PassedOver) ([]event.Attempt, []event.PassedOver) {
	attempts, over = slices.Clone(attempts), slices.Clone(over)
	for i, at := range attempts {
		attempts[i].Key = a.keyName(at.Channel, at.Key)
	}
	for i, o := range over {
		over[i].Keys = slices.Clone(o.Keys)
		for j, k := range o.Keys {
			over[i].Keys[j].Key = a.keyName(o.Channel, k.Key)
		}
	}
	return attempts, over
}

// keyName returns the name of a key, or else its ID.
func (a *app) keyName(channel, id string) string {
	if name := a.keyNames[channel+" "+id]; name != "" {
		return name
	}
	return id
}

// usageKey returns the name of a key of a channel, or, without a channel, of any. If
// several keys have the ID, the name is followed by their channels.
func (a *app) usageKey(channel, id string) string {
	if channel != "" || id == "" {
		return a.keyName(channel, id)
	}
	name, channels, others := "", []string{}, false
	for of, shown := range a.keyNames {
		if ch, key, _ := strings.Cut(of, " "); key == id {
			name, channels = shown, append(channels, ch)
		}
	}
	switch {
	case name == "" && a.keyNames != nil: // the program runs, and has no such key
		return id + " (removed)"
	case name == "":
		return id
	}
	for of, shown := range a.keyNames {
		others = others || shown == name && !strings.HasSuffix(of, " "+id)
	}
	if !others {
		return name
	}
	slices.Sort(channels)
	return name + " of " + strings.Join(channels, ", ")
}

// keyID returns the ID of the key with this name, or else the text itself, which may
// be an ID or a pattern.
func (a *app) keyID(ctx context.Context, text string) string {
	if text == "" || strings.HasPrefix(text, "key-") {
		return text
	}
	a.nameKeys(ctx, a.client())
	for of, shown := range a.keyNames {
		_, last, masked := strings.Cut(shown, "…")
		if _, id, _ := strings.Cut(of, " "); shown == text || masked && last == text {
			return id
		}
	}
	return text
}
