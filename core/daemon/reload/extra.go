package reload

import (
	"slices"

	"github.com/aitunnel/aitunnel/core/config"
)

// ExtraKeys are the keys that are in no file, by channel. They exist as long as the
// program runs and the channel exists.
type ExtraKeys map[string][]*config.Key

// Add adds them to a configuration that was just read.
func (e ExtraKeys) Add(cfg *config.Config) {
	for _, c := range cfg.Channels {
		for _, extra := range e[c.Name] {
			same := func(k *config.Key) bool {
				return k.Value.Equal(extra.Value) || k.Label != "" && k.Label == extra.Label
			}
			if !slices.ContainsFunc(c.Keys, same) && TakesKeys(c) {
				c.Keys = append(c.Keys, extra)
			}
		}
	}
}

// TakesKeys reports whether a channel sends keys of its own.
func TakesKeys(c *config.Channel) bool {
	return c.Auth.Style != config.AuthNone && c.Auth.Style != config.AuthPassthrough
}

// Clone returns a copy that can be changed.
func (e ExtraKeys) Clone() ExtraKeys {
	out := ExtraKeys{}
	for channel, keys := range e {
		out[channel] = slices.Clone(keys)
	}
	return out
}

// Remove removes a key by its value.
func (e ExtraKeys) Remove(channel string, value config.Secret) {
	e[channel] = slices.DeleteFunc(e[channel], func(k *config.Key) bool { return k.Value.Equal(value) })
}
