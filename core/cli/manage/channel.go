package manage

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/cli/internal/view"
)

func (a *app) channelCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "channel",
		Short: "Show and change channels",
		Args:  command.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.channelList(), a.channelPause(), a.channelResume(), a.channelPrefer(), a.channelCheck(), a.channelTest(), a.channelModels(), a.channelAdd(), a.channelSet(), a.channelRemove())
	return c
}

func (a *app) channelList() *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:     "list",
		Short:   "List the channels with their state",
		Example: "  aitunnel channel list\n  aitunnel channel list --json",
		Args:    command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := a.Client().Channels(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return a.PrintJSON(all)
			}
			p := a.Paint()
			t := term.NewTable(p, "CHANNEL", "STATE", "TARGET", ">WEIGHT", ">KEYS", ">FIRST BYTE", ">ATTEMPTS (10 MIN)", ">OK (10 MIN)", ">ATTEMPTS (ALL)", "NOTE")
			for _, ch := range all {
				state, note := view.ChannelState(p, ch)
				attempts, _, ok := view.RecentAttempts(ch)
				t.Row(view.ChannelName(p, ch), state, ch.Target, fmt.Sprintf("%g", ch.Weight), view.KeysText(p, ch), term.Millis(ch.Latency), attempts, ok, term.Number(ch.Stats.TotalRequests), note)
			}
			return t.Write(a.Out)
		},
	}, &asJSON)
}

func (a *app) channelPause() *cobra.Command {
	return a.channelToggle("pause", "disable", "Pause a channel: it gets no new requests", (*adminclient.Client).Pause)
}

func (a *app) channelResume() *cobra.Command {
	return a.channelToggle("resume", "enable", "Resume a channel: end a pause, and forget all cooldowns", (*adminclient.Client).Resume)
}

func (a *app) channelToggle(verb, alias, short string, do func(*adminclient.Client, context.Context, string) (admin.Channel, error)) *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:               verb + " CHANNEL",
		Aliases:           []string{alias},
		Short:             short,
		Long:              short + ". This is kept across\nreloads and restarts, and is not written to the configuration.",
		Example:           "  aitunnel channel " + verb + " primary",
		Args:              command.ExactArgs("CHANNEL"),
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			var out admin.Channel
			err := a.OnChannel(c.Context(), args[0], func(client *adminclient.Client) (err error) {
				out, err = do(client, c.Context(), args[0])
				return err
			})
			done := "Channel " + out.Name + " is paused; requests in flight finish."
			if out.Enabled {
				done = "Channel " + out.Name + " is resumed; its cooldowns and marks, and those of its keys, are cleared."
			}
			return a.reportKept(c.Context(), out, err, asJSON, done)
		},
	}, &asJSON)
}

// reportKept reports a change that is kept across restarts, with a warning if it may
// not be now.
func (a *app) reportKept(ctx context.Context, out any, err error, asJSON bool, done string) error {
	if err = a.Report(out, err, asJSON, done); err != nil {
		return err
	}
	s, _ := a.Client().Status(ctx) // the change itself succeeded
	for _, text := range s.Unsaved {
		a.Warn("%s", text)
	}
	return nil
}

func (a *app) channelPrefer() *cobra.Command {
	off, asJSON := false, false
	c := command.JSONFlag(&cobra.Command{
		Use:               "prefer CHANNEL",
		Aliases:           []string{"switch"},
		Short:             "Try a channel first on its routes",
		Long:              "Try a channel first on its routes, whatever their strategies say, while\nit is available. --off ends this.",
		Example:           "  aitunnel channel prefer backup\n  aitunnel channel prefer backup --off",
		Args:              command.ExactArgs("CHANNEL"),
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			var out admin.PreferResult
			err := a.OnChannel(c.Context(), args[0], func(client *adminclient.Client) (err error) {
				out, err = client.Prefer(c.Context(), args[0], !off)
				return err
			})
			done := "Channel " + out.Name + " is no longer preferred."
			if out.First {
				done = fmt.Sprintf("Channel %s is preferred. To undo this: aitunnel channel prefer %s --off", out.Name, out.Name)
			}
			return a.reportKept(c.Context(), out, err, asJSON, done)
		},
	}, &asJSON)
	c.Flags().BoolVar(&off, "off", false, "let the strategies choose again")
	return c
}

func (a *app) channelCheck() *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:               "check CHANNEL",
		Short:             "Run the health check of a channel now",
		Long:              "Run the health check of a channel now; without a health check, ask its site for\nthe list of models. The exit code is 1 if it fails.",
		Example:           "  aitunnel channel check primary",
		Args:              command.ExactArgs("CHANNEL"),
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			var out admin.CheckResult
			err := a.OnChannel(c.Context(), args[0], func(client *adminclient.Client) (err error) {
				out, err = client.Check(c.Context(), args[0])
				return err
			})
			done := fmt.Sprintf("%s: the check of %s passed in %s%s", a.Paint().Good("up"), out.Name, cmp.Or(term.Millis(out.Latency), "0 ms"), term.After(": ", out.Message))
			if !out.OK {
				done = fmt.Sprintf("%s: the check of %s failed%s", a.Paint().Bad("down"), out.Name, term.After(": ", out.Message))
			}
			if err = a.Report(out, err, asJSON, done); err == nil && !out.OK {
				err = command.ExitError(command.ExitFailed)
			}
			return err
		},
	}, &asJSON)
}

// completeChannel is for commands whose only argument is a channel.
func (a *app) completeChannel(c *cobra.Command, args []string, given string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.CompleteChannels(c, args, given)
}
