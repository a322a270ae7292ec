package adminapi

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/edit"
	"github.com/aitunnel/aitunnel/core/route"
)

// channelIn finds a channel in a configuration.
func channelIn(cfg *config.Config, name string) (*config.Channel, error) {
	for _, c := range cfg.Channels {
		if c.Name == name {
			return c, nil
		}
	}
	return nil, admin.NotFound(fmt.Sprintf("there is no channel %q", name))
}

// change edits the files. An error of do is not the fault of the configuration.
func (s *Source) change(ctx context.Context, m admin.Match, do func(*reload.Edit) error) (admin.Reload, error) {
	return s.apply(ctx, reload.Request{
		Match: reload.Match(m),
		Edit: func(_ context.Context, e *reload.Edit) error {
			if err := do(e); err != nil {
				return &reload.EditError{Err: err}
			}
			return nil
		},
	})
}

// specOf returns the specification of a channel for an edit of the text.
func specOf(in admin.ChannelSpec) edit.Channel {
	out := edit.Channel{Target: in.Target, Auth: in.Auth, Weight: in.Weight, Fallback: in.Fallback, Models: in.Models, ModelMap: in.ModelMap, MaxInFlight: in.MaxInFlight, Settings: in.Settings}
	if in.Keys != nil {
		keys := []edit.Key{}
		for _, k := range *in.Keys {
			keys = append(keys, edit.Key{Value: k.Key, Label: k.Label})
		}
		out.Keys = &keys
	}
	return out
}

// checkSpec refuses specifications that cannot be written as text.
func checkSpec(in admin.ChannelSpec) error {
	target := ""
	if in.Target != nil {
		target = *in.Target
	}
	if err := cmp.Or(refuseKeyAs("name", in.Name), refuseKeyAs("target", target)); err != nil {
		return err
	}
	if in.Keys == nil {
		return nil
	}
	for _, k := range *in.Keys {
		if k.Key == "" {
			return admin.Invalid("a key is empty")
		}
		if err := refuseKeyAs("label", k.Label); err != nil {
			return err
		}
		if k.Ephemeral {
			return admin.Invalid("ephemeral keys are added one by one, at /api/channels/{name}/keys")
		}
	}
	return nil
}

// AddChannel is for [admin.Source].
func (s *Source) AddChannel(ctx context.Context, in admin.ChannelSpec, m admin.Match) (admin.Reload, error) {
	if in.Name == "" || in.Target == nil {
		return admin.Reload{}, admin.Invalid("a channel needs a name and a target")
	}
	if err := checkSpec(in); err != nil {
		return admin.Reload{}, err
	}
	return s.change(ctx, m, func(e *reload.Edit) error {
		if _, err := channelIn(e.Config, in.Name); err == nil {
			return admin.Refused("exists", fmt.Sprintf("there is a channel %q already", in.Name))
		}
		var routes []string
		if in.Routes != nil {
			routes = *in.Routes
		}
		return editable(e.Document.AddChannel(in.Name, specOf(in), routes))
	})
}

// editable returns the error of an edit that does not fit the text.
func editable(err error) error {
	if err == nil {
		return nil
	}
	return admin.Refused("not_editable", err.Error())
}

// ChangeChannel is for [admin.Source].
func (s *Source) ChangeChannel(ctx context.Context, name string, in admin.ChannelSpec, m admin.Match) (admin.Reload, error) {
	switch err := checkSpec(in); {
	case err != nil:
		return admin.Reload{}, err
	case in.Name != "" && in.Name != name:
		return admin.Reload{}, admin.Invalid("a channel cannot be renamed, because its state and routes refer to its name: add a new one, and remove this one")
	case in.Settings != "":
		return admin.Reload{}, admin.Invalid("settings can only be given for a new channel: change those of this one in the text of the configuration")
	case in.Routes != nil:
		return admin.Reload{}, admin.Invalid("routes can only be given for a new channel: change those of this one in the text of the configuration")
	}
	return s.change(ctx, m, func(e *reload.Edit) error {
		if _, err := channelIn(e.Config, name); err != nil {
			return err
		}
		return editable(e.Document.ChangeChannel(name, specOf(in)))
	})
}

// RemoveChannel is for [admin.Source].
func (s *Source) RemoveChannel(ctx context.Context, name string, m admin.Match) (admin.Reload, error) {
	return s.change(ctx, m, func(e *reload.Edit) error {
		if _, err := channelIn(e.Config, name); err != nil {
			return err
		}
		return editable(e.Document.RemoveChannel(name))
	})
}

// refuseKeyAs refuses a key in a field that everyone can see.
func refuseKeyAs(field, value string) error {
	if redact.LooksLikeKey(value) {
		return admin.Invalid(fmt.Sprintf("the %s looks like a key, and it would be shown in lists and logs: enter it as the key", field))
	}
	return nil
}

// AddKey is for [admin.Source].
func (s *Source) AddKey(ctx context.Context, channel string, in admin.KeySpec, m admin.Match) (admin.Key, admin.Reload, error) {
	if in.Key == "" {
		return admin.Key{}, admin.Reload{}, admin.Invalid("the key is missing")
	}
	if err := refuseKeyAs("label", in.Label); err != nil {
		return admin.Key{}, admin.Reload{}, err
	}
	add := func(e *reload.Edit) error {
		c, err := channelIn(e.Config, channel)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(c.Keys, func(k *config.Key) bool { return k.Value.Equal(config.NewSecret(in.Key)) }) {
			return admin.Refused("exists", "the channel has this key already")
		}
		if in.Ephemeral {
			return addExtra(e.Extra, c, in)
		}
		return editable(e.Document.AddKey(channel, edit.Key{Value: in.Key, Label: in.Label}))
	}
	out, err := s.change(ctx, m, add)
	if err != nil || !out.OK {
		return admin.Key{}, out, err
	}
	shown, err := s.keyOf(channel, in.Key)
	return shown, out, err
}

// keyOf returns the key of a channel with this value.
func (s *Source) keyOf(channel, value string) (admin.Key, error) {
	ch, err := s.channel(channel)
	if err != nil {
		return admin.Key{}, err
	}
	added := slices.IndexFunc(ch.Keys, func(k *route.Key) bool { return k.Config.Value.Equal(config.NewSecret(value)) })
	if added < 0 {
		return admin.Key{}, admin.NotFound("the key was removed in the meantime")
	}
	keys := make([]admin.Key, len(ch.Keys))
	for i, k := range ch.Keys {
		keys[i] = showKey(k, nil, s.program.Registry.Now())
	}
	admin.NameKeys(keys) // names depend on the other keys
	return keys[added], nil
}

// RemoveKey is for [admin.Source].
func (s *Source) RemoveKey(ctx context.Context, channel, key string, m admin.Match) (admin.Reload, error) {
	return s.change(ctx, m, func(e *reload.Edit) error {
		c, err := channelIn(e.Config, channel)
		if err != nil {
			return err
		}
		k := s.keyNamed(c, key)
		switch {
		case k == nil:
			return admin.NotFound(fmt.Sprintf("the channel %q has no such key: name it by its id, or by its place in the list, from 0", channel))
		case k.Ephemeral:
			e.Extra.Remove(channel, k.Value)
			return nil
		}
		return editable(e.Document.RemoveKey(channel, k))
	})
}

// keyNamed finds a key by its ID, else by its place in the list, from 0.
func (s *Source) keyNamed(c *config.Channel, key string) *config.Key {
	state := s.program.Registry.Channel(c.Name, c.Target.String())
	for _, k := range c.Keys {
		if state.Key(k.Value.Plaintext()).IDWith(k.Label) == key {
			return k
		}
	}
	if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(c.Keys) {
		return c.Keys[i]
	}
	return nil
}

// addExtra adds a key that is not written to a file.
func addExtra(e reload.ExtraKeys, c *config.Channel, in admin.KeySpec) error {
	if !reload.TakesKeys(c) {
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
