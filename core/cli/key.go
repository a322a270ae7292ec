package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/channel"
)

func (a *app) keyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "Look at the keys of channels, and change them",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.keyList(), a.keyAdd(), a.keyRemove())
	return c
}

func (a *app) keyList() *cobra.Command {
	asJSON := false
	return jsonFlag(&cobra.Command{
		Use:               "list CHANNEL",
		Short:             "List the keys of a channel, masked, with their state",
		Example:           "  aitunnel key list primary\n  aitunnel key list primary --json",
		Args:              names("CHANNEL"),
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			ch, err := a.channelNamed(c.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(ch.Keys.List)
			}
			p := a.paint()
			t := newTable(p, ">#", "ID", "KEY", "LABEL", "STATE", "FOR", ">REQUESTS", ">FAILED", "NOTE")
			for i, k := range ch.Keys.List {
				state, note := p.good(channel.Skip(k.State).Text()), k.Reason
				if k.State != channel.KeyReady {
					state = p.warn(channel.Skip(k.State).Text())
				}
				for _, r := range k.Restricted {
					note = strings.TrimPrefix(fmt.Sprintf("%s; %s: %s", note, r.Model, channel.Skip(r.State).Text()), "; ")
				}
				if k.Ephemeral {
					note = strings.TrimPrefix(note+"; not in the configuration: gone after a restart", "; ")
				}
				t.row(fmt.Sprint(i), k.ID, k.Masked, k.Label, state, until(k.Until), number(k.Stats.TotalRequests), number(k.Stats.FailCount), note)
			}
			return t.write(a.out)
		},
	}, &asJSON)
}

func (a *app) keyAdd() *cobra.Command {
	label, ephemeral, asJSON := "", false, false
	c := jsonFlag(&cobra.Command{
		Use:   "add CHANNEL",
		Short: "Add a key to a channel",
		Long: `Add a key to a channel, in the configuration, and apply that. The key is read from
standard input; on a terminal you are asked for it, and it does not show. It is
never an argument: others on the machine can see those.`,
		Example:           "  aitunnel key add primary\n  pass show ai/primary | aitunnel key add primary --label second\n  aitunnel key add primary --ephemeral < key.txt",
		Args:              keyAddArgs,
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			key, err := a.readKey(c.Context(), "Key of "+args[0])
			if err != nil {
				return err
			}
			var out admin.AddedKey
			err = a.onChannel(c.Context(), args[0], http.MethodPost, channelPath(args[0], "keys"), admin.KeySpec{Key: key, Label: label, Ephemeral: ephemeral}, &out)
			where := "in the configuration"
			if ephemeral {
				where = "until the next restart"
			}
			return a.edited(out, err, asJSON, fmt.Sprintf("Channel %s has the key %s, %s.", args[0], strings.TrimSpace(label+" "+out.Masked), where))
		},
	}, &asJSON)
	c.Flags().StringVar(&label, "label", "", "a name for it, shown in its place")
	c.Flags().BoolVar(&ephemeral, "ephemeral", false, "do not write it to the configuration; it is gone after a restart")
	return c
}

// keyAddArgs keeps a key that was given as an argument out of the message.
func keyAddArgs(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("a key is never an argument, where others on the machine can see it: leave it away and you are asked for it, or give it on standard input")
	}
	return names("CHANNEL")(c, args)
}

func (a *app) keyRemove() *cobra.Command {
	asJSON := false
	return jsonFlag(&cobra.Command{
		Use:               "remove CHANNEL KEY",
		Short:             "Remove a key from a channel",
		Long:              "Remove a key from a channel, and from the configuration. KEY is its ID, its label\nor its number in 'aitunnel key list'.",
		Example:           "  aitunnel key remove primary 1\n  aitunnel key remove primary second",
		Args:              names("CHANNEL", "KEY"),
		ValidArgsFunction: a.completeKey,
		RunE: func(c *cobra.Command, args []string) error {
			ch, err := a.channelNamed(c.Context(), args[0])
			if err != nil {
				return err
			}
			key, err := keyNamed(ch, args[1])
			if err != nil {
				return err
			}
			var out admin.Edited
			err = a.onChannel(c.Context(), args[0], http.MethodDelete, channelPath(args[0], "keys", key.ID), nil, &out)
			return a.edited(out, err, asJSON, fmt.Sprintf("Channel %s has the key %s no more.", args[0], key.Masked))
		},
	}, &asJSON)
}

// channelNamed is the state of one channel.
func (a *app) channelNamed(ctx context.Context, name string) (admin.Channel, error) {
	var all []admin.Channel
	if err := a.remote().get(ctx, "/api/channels", &all); err != nil {
		return admin.Channel{}, err
	}
	var known []string
	for _, ch := range all {
		if ch.Name == name {
			return ch, nil
		}
		known = append(known, ch.Name)
	}
	return admin.Channel{}, fmt.Errorf("there is no channel %q; there is %s", name, strings.Join(known, ", "))
}

// keyNamed finds a key by its ID, its label or its number.
func keyNamed(ch admin.Channel, name string) (admin.Key, error) {
	for i, k := range ch.Keys.List {
		if name == k.ID || name == k.Label || name == fmt.Sprint(i) {
			return k, nil
		}
	}
	return admin.Key{}, fmt.Errorf("channel %s has no such key; 'aitunnel key list %s' shows those it has", ch.Name, ch.Name)
}
