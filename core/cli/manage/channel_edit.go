package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
)

// channelFlags are the flags of channel add.
type channelFlags struct {
	weight                   float64
	fallback, withKeys, json bool
	auth                     string
	models, routes           []string
}

func (a *app) channelAdd() *cobra.Command {
	var f channelFlags
	c := command.JSONFlag(&cobra.Command{
		Use:   "add CHANNEL URL",
		Short: "Add a channel to the configuration",
		Long: `Add a channel to the configuration and apply it. The file keeps its comments and
its layout.

With --keys, the keys are read from standard input, one per line; on a terminal you
are asked for them, and they are not shown.`,
		Example: "  aitunnel channel add spare https://spare-api.example --keys\n  aitunnel channel add local http://127.0.0.1:11434 --auth none --fallback\n  pass show ai/spare | aitunnel channel add spare https://spare-api.example --keys",
		Args:    command.ExactArgs("CHANNEL", "URL"),
		RunE: func(c *cobra.Command, args []string) error {
			if !f.withKeys && f.auth != string(config.AuthNone) && f.auth != string(config.AuthPassthrough) {
				return command.WrongUsage(c, errors.New("channel add needs --keys (reads the keys from standard input) or --auth none"))
			}
			spec := f.spec(c, args[0], args[1])
			if f.withKeys {
				keys, err := a.Input().Keys(c.Context(), "Keys of "+args[0]+", one per line, an empty line to end")
				if err != nil {
					return err
				}
				specs := make([]admin.KeySpec, len(keys))
				for i, k := range keys {
					specs[i].Key = k
				}
				spec.Keys = &specs
			}
			return a.addChannel(c.Context(), spec, f.json)
		},
	}, &f.json)
	flags := c.Flags()
	flags.Float64Var(&f.weight, "weight", 0, "its share of the requests, compared to the other channels")
	flags.BoolVar(&f.fallback, "fallback", false, "use it only when no other channel is available")
	flags.StringVar(&f.auth, "auth", "", "how the site takes the key: auto, bearer, x-api-key, x-goog-api-key, query:NAME, none or passthrough")
	flags.StringSliceVar(&f.models, "model", nil, "a pattern of model names that it serves; may be repeated")
	flags.StringSliceVar(&f.routes, "route", nil, "the path of a route that uses it, if the configuration has routes; may be repeated")
	flags.BoolVar(&f.withKeys, "keys", false, "read its keys from standard input, or ask for them")
	return c
}

// spec returns the channel that the flags describe, without keys.
func (f *channelFlags) spec(c *cobra.Command, name, target string) admin.ChannelSpec {
	spec := admin.ChannelSpec{Name: name, Target: &target}
	if c.Flags().Changed("weight") {
		spec.Weight = &f.weight
	}
	if f.fallback {
		spec.Fallback = &f.fallback
	}
	if f.auth != "" {
		spec.Auth = &f.auth
	}
	if len(f.models) > 0 {
		spec.Models = &f.models
	}
	if len(f.routes) > 0 {
		spec.Routes = &f.routes
	}
	return spec
}

// addChannel adds a channel, and shows the warnings that this causes.
func (a *app) addChannel(ctx context.Context, spec admin.ChannelSpec, asJSON bool) error {
	client := a.Client()
	before, err := client.Status(ctx)
	if err != nil {
		return err
	}
	out, err := client.AddChannel(ctx, spec)
	if fresh := newWarnings(before.Warnings, out.Reload.Diags); err == nil && !asJSON && len(fresh) > 0 {
		_ = config.WriteDiagnostics(a.Err, fresh, bool(term.Colors(a.Err)))
		_, _ = fmt.Fprintln(a.Err)
	}
	return a.Report(out, err, asJSON, fmt.Sprintf("Channel %[1]s was added to the configuration. To try it: aitunnel channel test %[1]s", spec.Name))
}

// newWarnings returns the warnings of a changed configuration that it did not have
// before. before has a line for each earlier warning, with its place, which may have
// moved.
func newWarnings(before []string, diags []config.Diagnostic) (fresh []config.Diagnostic) {
	before = slices.Clone(before)
	for _, d := range diags {
		known := func(line string) bool { return strings.HasSuffix(line, strings.TrimSpace(d.Summary+". "+d.Detail)) }
		if i := slices.IndexFunc(before, known); i >= 0 {
			before = slices.Delete(before, i, i+1)
		} else if d.Severity == "warning" {
			fresh = append(fresh, d)
		}
	}
	return fresh
}

func (a *app) channelRemove() *cobra.Command {
	yes, asJSON := false, false
	c := command.JSONFlag(&cobra.Command{
		Use:               "remove CHANNEL",
		Short:             "Remove a channel, with its keys, from the configuration",
		Example:           "  aitunnel channel remove spare\n  aitunnel channel remove spare --yes",
		Args:              command.ExactArgs("CHANNEL"),
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			if !yes {
				if _, err := a.channelNamed(c.Context(), args[0]); err != nil {
					return err
				}
				if err := a.confirmRemoval(c.Context(), fmt.Sprintf("Remove channel %s, with its keys, from the configuration?", args[0])); err != nil {
					return err
				}
			}
			var out admin.EditResult
			err := a.OnChannel(c.Context(), args[0], func(client *adminclient.Client) (err error) {
				out, err = client.RemoveChannel(c.Context(), args[0])
				return err
			})
			return a.Report(out, err, asJSON, "Channel "+args[0]+" was removed from the configuration. To get it back: aitunnel config undo")
		},
	}, &asJSON)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// confirmRemoval asks whether to remove something; an error says that it was not removed.
func (a *app) confirmRemoval(ctx context.Context, question string) error {
	ok, err := a.Input().Confirm(ctx, question)
	switch {
	case errors.Is(err, term.ErrNoTerminal):
		return fmt.Errorf("nothing was removed: %w; add --yes", err)
	case err != nil || !ok:
		return errors.New("nothing was removed")
	}
	return nil
}
