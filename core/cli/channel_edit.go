package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
)

func (a *app) channelAdd() *cobra.Command {
	var weight float64
	var fallback, withKeys, asJSON bool
	var auth string
	var models, routes []string
	c := jsonFlag(&cobra.Command{
		Use:   "add CHANNEL URL",
		Short: "Add a channel to the configuration",
		Long: `Add a channel to the configuration and apply it. The file keeps its comments and
its layout.

With --keys the keys are read from standard input, one per line; on a terminal you
are asked for them, and they are not shown.`,
		Example: "  aitunnel channel add spare https://spare-api.example --keys\n  aitunnel channel add local http://127.0.0.1:11434 --auth none --fallback\n  pass show ai/spare | aitunnel channel add spare https://spare-api.example --keys",
		Args:    names("CHANNEL", "URL"),
		RunE: func(c *cobra.Command, args []string) error {
			if !withKeys && auth != string(config.AuthNone) && auth != string(config.AuthPassthrough) {
				return usageError{c, errors.New("channel add needs its keys: --keys (reads them from standard input) or --auth none")}
			}
			spec := admin.ChannelSpec{Name: args[0], Target: &args[1]}
			if c.Flags().Changed("weight") {
				spec.Weight = &weight
			}
			if fallback {
				spec.Fallback = &fallback
			}
			if auth != "" {
				spec.Auth = &auth
			}
			if len(models) > 0 {
				spec.Models = &models
			}
			if len(routes) > 0 {
				spec.Routes = &routes
			}
			if withKeys {
				keys, err := a.input().Keys(c.Context(), "Keys of "+args[0]+", one per line, an empty line to end")
				if err != nil {
					return err
				}
				specs := make([]admin.KeySpec, len(keys))
				for i, k := range keys {
					specs[i].Key = k
				}
				spec.Keys = &specs
			}
			client := a.client()
			before, err := client.Status(c.Context())
			if err != nil {
				return err
			}
			out, err := client.AddChannel(c.Context(), spec)
			if fresh := newWarnings(before.Warnings, out.Reload.Diags); err == nil && !asJSON && len(fresh) > 0 {
				_ = config.WriteDiagnostics(a.err, fresh, bool(term.Colors(a.err)))
				_, _ = fmt.Fprintln(a.err)
			}
			return a.report(out, err, asJSON, "Channel "+args[0]+" was added to the configuration.")
		},
	}, &asJSON)
	f := c.Flags()
	f.Float64Var(&weight, "weight", 0, "its share of the requests, compared to the other channels")
	f.BoolVar(&fallback, "fallback", false, "use it only when no other channel is available")
	f.StringVar(&auth, "auth", "", "how it takes its key: auto, bearer, x-api-key, x-goog-api-key, query:NAME, none or passthrough")
	f.StringSliceVar(&models, "model", nil, "a pattern of model names that it serves; may be repeated")
	f.StringSliceVar(&routes, "route", nil, "path of a route that uses it, if the configuration has routes; may be repeated")
	f.BoolVar(&withKeys, "keys", false, "read its keys from standard input, or ask for them")
	return c
}

// newWarnings returns the warnings of a changed configuration that it did not have
// before; before has a line for each, with its place, which may have moved.
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
	c := jsonFlag(&cobra.Command{
		Use:               "remove CHANNEL",
		Short:             "Remove a channel, with its keys, from the configuration",
		Example:           "  aitunnel channel remove spare\n  aitunnel channel remove spare --yes",
		Args:              names("CHANNEL"),
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			if !yes {
				if _, err := a.channelNamed(c.Context(), args[0]); err != nil {
					return err
				}
				ok, err := a.input().Confirm(c.Context(), fmt.Sprintf("Remove channel %s, with its keys, from the configuration?", args[0]))
				switch {
				case errors.Is(err, term.ErrNoTerminal):
					return fmt.Errorf("nothing was removed: %w; add --yes", err)
				case err != nil || !ok:
					return errors.New("nothing was removed")
				}
			}
			var out admin.Edited
			err := a.onChannel(c.Context(), args[0], func(client *adminclient.Client) (err error) {
				out, err = client.RemoveChannel(c.Context(), args[0])
				return err
			})
			return a.report(out, err, asJSON, "Channel "+args[0]+" was removed from the configuration. To get it back: aitunnel config undo")
		},
	}, &asJSON)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}
