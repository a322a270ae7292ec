package daemon

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/edit"
)

// current is the configuration as it is in the files, which an edit begins
// from: it must be valid before, or what is wrong would be laid at its door.
func (d *Daemon) current(ctx context.Context, document *edit.Document) (*config.Config, error) {
	cfg, report := d.load(ctx, document.Texts())
	if report.HasErrors() {
		return nil, &ConfigError{Report: report}
	}
	return cfg, nil
}

// channelIn finds a channel in a configuration.
func channelIn(cfg *config.Config, name string) (*config.Channel, error) {
	for _, c := range cfg.Channels {
		if c.Name == name {
			return c, nil
		}
	}
	return nil, admin.NotFound(fmt.Sprintf("there is no channel %q", name))
}

// change edits the files from a valid configuration on.
func (s *source) change(ctx context.Context, cause string, m admin.Match, do func(*config.Config, *edit.Document) error) (admin.Reload, error) {
	d := (*Daemon)(s)
	return d.apply(ctx, change{cause: cause, match: m, edit: func(ctx context.Context, document *edit.Document) error {
		cfg, err := d.current(ctx, document)
		if err != nil {
			return err
		}
		return do(cfg, document)
	}})
}

// asEdit is what a channel is to be, for the edit of the text.
func asEdit(in admin.ChannelSpec) edit.Channel {
	out := edit.Channel{Target: in.Target, Auth: in.Auth, Weight: in.Weight, Fallback: in.Fallback, Models: in.Models}
	if in.Keys != nil {
		keys := []edit.Key{}
		for _, k := range *in.Keys {
			keys = append(keys, edit.Key{Value: k.Key, Label: k.Label})
		}
		out.Keys = &keys
	}
	return out
}

// checkSpec refuses what no text can be made of.
func checkSpec(in admin.ChannelSpec) error {
	if in.Keys == nil {
		return nil
	}
	for _, k := range *in.Keys {
		if k.Key == "" {
			return admin.Invalid("a key is empty")
		}
		if k.Ephemeral {
			return admin.Invalid("ephemeral keys are added one by one, at /api/channels/{name}/keys")
		}
	}
	return nil
}

// AddChannel is for [admin.Source].
func (s *source) AddChannel(ctx context.Context, in admin.ChannelSpec, m admin.Match) (admin.Reload, error) {
	if in.Name == "" || in.Target == nil {
		return admin.Reload{}, admin.Invalid("a channel needs a name and a target")
	}
	if err := checkSpec(in); err != nil {
		return admin.Reload{}, err
	}
	return s.change(ctx, "POST /api/channels", m, func(cfg *config.Config, document *edit.Document) error {
		if _, err := channelIn(cfg, in.Name); err == nil {
			return admin.Refused("exists", fmt.Sprintf("there is a channel %q already", in.Name))
		}
		var routes []string
		if in.Routes != nil {
			routes = *in.Routes
		}
		return sense(document.AddChannel(in.Name, asEdit(in), routes))
	})
}

// sense is the error of an edit that does not fit the text.
func sense(err error) error {
	if err == nil {
		return nil
	}
	return admin.Refused("not_editable", err.Error())
}

// ChangeChannel is for [admin.Source].
func (s *source) ChangeChannel(ctx context.Context, name string, in admin.ChannelSpec, m admin.Match) (admin.Reload, error) {
	switch err := checkSpec(in); {
	case err != nil:
		return admin.Reload{}, err
	case in.Name != "" && in.Name != name:
		return admin.Reload{}, admin.Invalid("a channel keeps its name: what is known of it, and routes, go by that; add another and remove this one")
	case in.Routes != nil:
		return admin.Reload{}, admin.Invalid("routes are for a new channel; change those of this one in the text of the configuration")
	}
	return s.change(ctx, "PUT /api/channels/"+name, m, func(cfg *config.Config, document *edit.Document) error {
		if _, err := channelIn(cfg, name); err != nil {
			return err
		}
		return sense(document.ChangeChannel(name, asEdit(in)))
	})
}

// RemoveChannel is for [admin.Source].
func (s *source) RemoveChannel(ctx context.Context, name string, m admin.Match) (admin.Reload, error) {
	return s.change(ctx, "DELETE /api/channels/"+name, m, func(cfg *config.Config, document *edit.Document) error {
		if _, err := channelIn(cfg, name); err != nil {
			return err
		}
		return sense(document.RemoveChannel(name))
	})
}

// AddKey is for [admin.Source].
func (s *source) AddKey(ctx context.Context, channel string, in admin.KeySpec, m admin.Match) (admin.Key, admin.Reload, error) {
	if in.Key == "" {
		return admin.Key{}, admin.Reload{}, admin.Invalid("the key is missing")
	}
	d := (*Daemon)(s)
	cause := fmt.Sprintf("POST /api/channels/%s/keys", channel)
	add := func(cfg *config.Config, document *edit.Document) error {
		d.extra.put(cfg)
		c, err := channelIn(cfg, channel)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(c.Keys, func(k *config.Key) bool { return k.Value.Equal(config.NewSecret(in.Key)) }) {
			return admin.Refused("exists", "the channel has this key already")
		}
		if in.Ephemeral {
			return d.extra.add(c, in)
		}
		return sense(document.AddKey(channel, edit.Key{Value: in.Key, Label: in.Label}))
	}
	out, err := s.change(ctx, cause, m, add)
	if err != nil || !out.OK {
		return admin.Key{}, out, err
	}
	shown, err := s.keyOf(channel, in.Key)
	return shown, out, err
}

// keyOf shows a key by its value.
func (s *source) keyOf(channel, value string) (admin.Key, error) {
	ch, err := s.channel(channel)
	if err != nil {
		return admin.Key{}, err
	}
	for _, k := range ch.Keys {
		if k.Config.Value.Equal(config.NewSecret(value)) {
			return showKey(k, s.registry.Now()), nil
		}
	}
	return admin.Key{}, admin.NotFound("the key was removed meanwhile")
}

// RemoveKey is for [admin.Source].
func (s *source) RemoveKey(ctx context.Context, channel, key string, m admin.Match) (admin.Reload, error) {
	d := (*Daemon)(s)
	return s.change(ctx, fmt.Sprintf("DELETE /api/channels/%s/keys/…", channel), m, func(cfg *config.Config, document *edit.Document) error {
		c, err := channelIn(cfg, channel)
		if err != nil {
			return err
		}
		d.extra.put(cfg)
		k := d.keyNamed(c, key)
		switch {
		case k == nil:
			return admin.NotFound(fmt.Sprintf("the channel %q has no such key: name it by its id, or by its place in the list, from 0", channel))
		case k.Ephemeral:
			d.extra.forget(channel, k.Value.Reveal())
			return nil
		}
		return sense(document.RemoveKey(channel, k))
	})
}

// keyNamed finds a key by its ID, else by its place in the list, from 0.
func (d *Daemon) keyNamed(c *config.Channel, key string) *config.Key {
	state := d.registry.Channel(c.Name, c.Target.String())
	for _, k := range c.Keys {
		if state.Key(k.Value.Reveal()).IDWith(k.Label) == key {
			return k
		}
	}
	if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(c.Keys) {
		return c.Keys[i]
	}
	return nil
}

// extraKeys are the keys that are in no file, by channel. They last as long as
// the program and the channel.
type extraKeys map[string][]*config.Key

// put adds them to a configuration that was just read.
func (e extraKeys) put(cfg *config.Config) {
	for _, c := range cfg.Channels {
		for _, extra := range e[c.Name] {
			same := func(k *config.Key) bool {
				return k.Value.Equal(extra.Value) || k.Label != "" && k.Label == extra.Label
			}
			if !slices.ContainsFunc(c.Keys, same) && takesKeys(c) {
				c.Keys = append(c.Keys, extra)
			}
		}
	}
}

func takesKeys(c *config.Channel) bool {
	return c.Auth.Style != config.AuthNone && c.Auth.Style != config.AuthPassthrough
}

func (e extraKeys) add(c *config.Channel, in admin.KeySpec) error {
	if !takesKeys(c) {
		return admin.Refused("no_keys", fmt.Sprintf("the channel %q sends no key, by auth = %q", c.Name, c.Auth.Style))
	}
	if slices.ContainsFunc(c.Keys, func(k *config.Key) bool { return in.Label != "" && k.Label == in.Label }) {
		return admin.Refused("exists", fmt.Sprintf("there is a key with the label %q already", in.Label))
	}
	if err := config.CheckCredential(in.Key); err != nil {
		return admin.Invalid("the key cannot be sent: " + err.Error())
	}
	e[c.Name] = append(e[c.Name], &config.Key{Value: config.NewSecret(in.Key), Label: in.Label, Weight: 1, Ephemeral: true})
	return nil
}

func (e extraKeys) clone() extraKeys {
	out := extraKeys{}
	for channel, keys := range e {
		out[channel] = slices.Clone(keys)
	}
	return out
}

func (e extraKeys) forget(channel, value string) {
	e[channel] = slices.DeleteFunc(e[channel], func(k *config.Key) bool { return k.Value.Equal(config.NewSecret(value)) })
}
