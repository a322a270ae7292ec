package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
)

func (a *app) channelCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "channel",
		Short: "Look at channels, and change them",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.channelList(),
		a.channelToggle("enable", "Let a paused channel take requests again", true),
		a.channelToggle("disable", "Pause a channel: it takes no new requests", false),
		a.channelSwitch(), a.channelCheck(), a.channelAdd(), a.channelRemove())
	return c
}

// channelPath is the address of a channel in the API.
func channelPath(name string, rest ...string) string {
	path := "/api/channels/" + url.PathEscape(name)
	for _, r := range rest {
		path += "/" + url.PathEscape(r)
	}
	return path
}

// jsonFlag gives a command that reads its --json.
func jsonFlag(c *cobra.Command, into *bool) *cobra.Command {
	c.Flags().BoolVar(into, "json", false, "print JSON")
	return c
}

func (a *app) channelList() *cobra.Command {
	asJSON := false
	return jsonFlag(&cobra.Command{
		Use:     "list",
		Short:   "List the channels with their state",
		Example: "  aitunnel channel list\n  aitunnel channel list --json",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var all []admin.Channel
			if err := a.remote().get(c.Context(), "/api/channels", &all); err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(all)
			}
			p := a.paint()
			t := newTable(p, "CHANNEL", "STATE", "TARGET", ">WEIGHT", ">KEYS", ">LATENCY", ">REQUESTS", ">SUCCESS", "NOTE")
			for _, ch := range all {
				state, note := channelState(p, ch)
				rate := ""
				if ch.SuccessRate != nil {
					rate = fmt.Sprintf("%.1f%%", 100**ch.SuccessRate)
				}
				t.row(channelName(p, ch), state, ch.Target, fmt.Sprintf("%g", ch.Weight), keysText(p, ch), millisText(ch.Latency), number(ch.Stats.TotalRequests), rate, note)
			}
			return t.write(a.out)
		},
	}, &asJSON)
}

func (a *app) channelToggle(verb, short string, enabled bool) *cobra.Command {
	asJSON := false
	return jsonFlag(&cobra.Command{
		Use:               verb + " CHANNEL",
		Short:             short,
		Long:              short + ". That outlives reloads and\nrestarts; the configuration is not changed.",
		Example:           "  aitunnel channel " + verb + " primary",
		Args:              names("CHANNEL"),
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			var out admin.Toggled
			err := a.onChannel(c.Context(), args[0], http.MethodPost, channelPath(args[0], "toggle"), map[string]bool{"enabled": enabled}, &out)
			if asJSON {
				return a.jsonOutcome(out, err)
			}
			if err == nil && out.Enabled {
				a.say("Channel %s takes requests.", out.Name)
			} else if err == nil {
				a.say("Channel %s is paused; requests under way come to their end.", out.Name)
			}
			return err
		},
	}, &asJSON)
}

func (a *app) channelSwitch() *cobra.Command {
	off, asJSON := false, false
	c := jsonFlag(&cobra.Command{
		Use:               "switch CHANNEL",
		Short:             "Make a channel the first choice of its routes",
		Long:              "Make a channel the first choice of its routes, whatever their strategies say, as\nlong as it is in service. With --off that ends.",
		Example:           "  aitunnel channel switch backup\n  aitunnel channel switch backup --off",
		Args:              names("CHANNEL"),
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			var out admin.Preferred
			err := a.onChannel(c.Context(), args[0], http.MethodPost, channelPath(args[0], "switch"), map[string]bool{"on": !off}, &out)
			if asJSON {
				return a.jsonOutcome(out, err)
			}
			if err == nil && out.First {
				a.say("Channel %s is the first choice of its routes. To end that: aitunnel channel switch %s --off", out.Name, out.Name)
			} else if err == nil {
				a.say("Channel %s is chosen by the strategies of its routes again.", out.Name)
			}
			return err
		},
	}, &asJSON)
	c.Flags().BoolVar(&off, "off", false, "let the strategies choose again")
	return c
}

func (a *app) channelCheck() *cobra.Command {
	asJSON := false
	return jsonFlag(&cobra.Command{
		Use:               "check CHANNEL",
		Short:             "Make the health check of a channel now",
		Long:              "Make the health check of a channel now. The exit code is 1 if it fails.",
		Example:           "  aitunnel channel check primary",
		Args:              names("CHANNEL"),
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			var out admin.Checked
			err := a.onChannel(c.Context(), args[0], http.MethodPost, channelPath(args[0], "check"), nil, &out)
			switch {
			case asJSON:
				if err = a.jsonOutcome(out, err); err == nil && !out.OK {
					err = exitError(exitFailed)
				}
			case err == nil && out.OK:
				a.say("%s: the check of %s passed in %s%s", a.paint().good("up"), out.Name, cmp.Or(millisText(out.Latency), "no time"), after(": ", out.Message))
			case err == nil:
				a.say("%s: the check of %s failed%s", a.paint().bad("down"), out.Name, after(": ", out.Message))
				err = exitError(exitFailed)
			}
			return err
		},
	}, &asJSON)
}

// after is text behind a separator, "" if there is no text.
func after(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}

// onChannel asks for something about a channel. If there is none of that name,
// the error says which there are.
func (a *app) onChannel(ctx context.Context, name, method, path string, in, out any) error {
	r := a.remote()
	err := r.send(ctx, method, path, in, out)
	if refused := (*apiError)(nil); !errors.As(err, &refused) || refused.status != http.StatusNotFound {
		return err
	}
	var all []admin.Channel
	if r.get(ctx, "/api/channels", &all) != nil {
		return err
	}
	var known []string
	for _, ch := range all {
		if ch.Name == name {
			return err // it is something else that there is not
		}
		known = append(known, ch.Name)
	}
	return fmt.Errorf("there is no channel %q; there is %s", name, strings.Join(known, ", "))
}

// names accepts exactly these arguments.
func names(what ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < len(what):
			return fmt.Errorf("%s needs %s", inProgram(c), strings.Join(what[len(args):], " and "))
		case len(args) > len(what):
			return fmt.Errorf("%s takes %s, but there is %q too", inProgram(c), strings.Join(what, " and "), args[len(what)])
		}
		return nil
	}
}
