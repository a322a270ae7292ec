package manage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config/wording"
)

func (a *app) keyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "Show and change the keys of channels",
		Long: `Show and change the keys of channels. To replace a key, add the new one and then
remove the old one; no request fails in between.`,
		Args: command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.keyList(), a.keyAdd(), a.keyRemove())
	return c
}

func (a *app) keyList() *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:               "list [CHANNEL]",
		Short:             "List the keys of one channel or of all, masked, with their state",
		Example:           "  aitunnel key list\n  aitunnel key list primary\n  aitunnel key list primary --json",
		Args:              command.AtMostOne,
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listAllKeys(c.Context(), asJSON)
			}
			ch, err := a.channelNamed(c.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return a.PrintJSON(ch.Keys.List)
			}
			t := a.keyTable()
			addKeys(t, a.Paint(), ch)
			return t.Write(a.Out)
		},
	}, &asJSON)
}

func (a *app) listAllKeys(ctx context.Context, asJSON bool) error {
	all, err := a.Client().Channels(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		keys := map[string][]admin.Key{}
		for _, ch := range all {
			keys[ch.Name] = ch.Keys.List
		}
		return a.PrintJSON(keys)
	}
	t := a.keyTable("CHANNEL")
	for _, ch := range all {
		addKeys(t, a.Paint(), ch, ch.Name)
	}
	return t.Write(a.Out)
}

func (a *app) keyTable(first ...string) *term.Table {
	return term.NewTable(a.Paint(), append(first, ">#", "ID", "KEY", "LABEL", "STATE", "FOR", ">ATTEMPTS (ALL)", ">FAILED (ALL)", "NOTE")...)
}

// addKeys adds the keys of a channel to a table, each in a row after the first cells.
func addKeys(t *term.Table, p term.Paint, ch admin.Channel, first ...string) {
	for i, k := range ch.Keys.List {
		state, note := p.Good(channel.Skip(k.State).Text()), k.Reason
		switch {
		case k.State != channel.KeyReady:
			state = p.Warn(channel.Skip(k.State).Text())
		case len(k.Restricted) == 1:
			state = p.Warn("ready, except for " + k.Restricted[0].Model)
		case len(k.Restricted) > 1:
			state = p.Warn(fmt.Sprintf("ready, except for %d models", len(k.Restricted)))
		}
		for _, r := range k.Restricted {
			note = strings.TrimPrefix(note+"; "+r.Text()+term.After(" for ", term.Until(r.Until))+term.After(": ", r.Reason), "; ")
		}
		if k.Ephemeral {
			note = strings.TrimPrefix(note+"; not in the configuration: gone after a restart", "; ")
		}
		t.Row(append(slices.Clone(first), fmt.Sprint(i), k.ID, k.Mask(), k.Label, state, term.Until(k.Until), term.Number(k.Stats.TotalRequests), term.Number(k.Stats.FailCount), note)...)
	}
}

func (a *app) keyAdd() *cobra.Command {
	label, ephemeral, asJSON := "", false, false
	c := command.JSONFlag(&cobra.Command{
		Use:   "add CHANNEL",
		Short: "Add a key to a channel",
		Long: `Add a key to a channel in the configuration, and apply it. The key is read from
standard input; on a terminal you are asked for it, and it is not shown. It is
never an argument, because others on the machine can see arguments.`,
		Example:           "  aitunnel key add primary\n  pass show ai/primary | aitunnel key add primary --label second\n  aitunnel key add primary --ephemeral < key.txt",
		Args:              keyAddArgs,
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := a.channelNamed(c.Context(), args[0]); err != nil {
				return err
			}
			key, err := a.Input().Key(c.Context(), "Key of "+args[0])
			if err != nil {
				return err
			}
			var out admin.AddKeyResult
			err = a.OnChannel(c.Context(), args[0], func(client *adminclient.Client) (err error) {
				out, err = client.AddKey(c.Context(), args[0], admin.KeySpec{Key: key, Label: label, Ephemeral: ephemeral})
				return err
			})
			where := "in the configuration"
			if ephemeral {
				where = "until the next restart"
			}
			return a.Report(out, err, asJSON, fmt.Sprintf("The key %[2]s was added to channel %[1]s, %[3]s. To try it: aitunnel channel test %[1]s --key %[4]s", args[0], a.nameOfAdded(c.Context(), args[0], out), where, wording.ShellWord(out.ID)))
		},
	}, &asJSON)
	c.Flags().StringVar(&label, "label", "", "a name for the key, shown instead of it")
	c.Flags().BoolVar(&ephemeral, "ephemeral", false, "do not write it to the configuration; it is lost at a restart")
	return c
}

// nameOfAdded returns the name of a new key.
func (a *app) nameOfAdded(ctx context.Context, channel string, k admin.AddKeyResult) string {
	a.NameKeys(ctx, a.Client())
	return cmp.Or(a.KeyNames[channel+" "+k.ID], k.Label, k.Masked)
}

// keyAddArgs refuses a key that is given as an argument, without repeating it.
func keyAddArgs(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("do not pass a key as an argument, where others on the machine can see it: omit it and you are asked for it, or pass it on standard input")
	}
	return command.ExactArgs("CHANNEL")(c, args)
}

func (a *app) keyRemove() *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:               "remove CHANNEL KEY",
		Short:             "Remove a key from a channel",
		Long:              "Remove a key from a channel, and from the configuration. KEY is its ID, its label,\nits masked form or the last characters of that, or its number in 'aitunnel key\nlist'.",
		Example:           "  aitunnel key remove primary 1\n  aitunnel key remove primary second",
		Args:              command.ExactArgs("CHANNEL", "KEY"),
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
			var out admin.EditResult
			err = a.OnChannel(c.Context(), args[0], func(client *adminclient.Client) (err error) {
				out, err = client.RemoveKey(c.Context(), args[0], key.ID)
				return err
			})
			done := fmt.Sprintf("The key %[2]s was removed from channel %[1]s.", args[0], key.Shown)
			if !key.Ephemeral {
				done += " To get it back: aitunnel config undo"
			}
			return a.Report(out, err, asJSON, done)
		},
	}, &asJSON)
}

// channelNamed returns the state of one channel.
func (a *app) channelNamed(ctx context.Context, name string) (admin.Channel, error) {
	all, err := a.Client().Channels(ctx)
	if err != nil {
		return admin.Channel{}, err
	}
	var known []string
	for _, ch := range all {
		if ch.Name == name {
			return ch, nil
		}
		known = append(known, ch.Name)
	}
	return admin.Channel{}, command.NoSuchChannel(name, known)
}

// keyNamed finds a key by its ID, its label, its number, its shown name, or the last
// characters of that if they are unique, since "…" is hard to type.
func keyNamed(ch admin.Channel, name string) (admin.Key, error) {
	var ending []admin.Key
	for i, k := range ch.Keys.List {
		if name == k.ID || name == k.Label && name != "" || name == fmt.Sprint(i) || name == k.Shown {
			return k, nil
		}
		if _, last, masked := strings.Cut(k.Mask(), "…"); masked && last != "" && name == last {
			ending = append(ending, k)
		}
	}
	if len(ending) == 1 {
		return ending[0], nil
	}
	return admin.Key{}, fmt.Errorf("channel %s has no such key; 'aitunnel key list %s' shows its keys", ch.Name, ch.Name)
}

// completeKey is for commands that take a channel and one of its keys.
func (a *app) completeKey(c *cobra.Command, args []string, given string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return a.completeChannel(c, args, given)
	}
	var out []cobra.Completion
	for _, ch := range command.AnswerForCompletion(a.Env, c, (*adminclient.Client).Channels) {
		if ch.Name != args[0] {
			continue
		}
		for _, k := range ch.Keys.List {
			out = append(out, cobra.CompletionWithDesc(k.ID, k.Mask()+" "+k.Label))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
