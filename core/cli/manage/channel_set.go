package manage

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
)

func (a *app) channelSet() *cobra.Command {
	var target, auth string
	var weight float64
	var fallback, asJSON bool
	var models []string
	c := command.JSONFlag(&cobra.Command{
		Use:   "set CHANNEL",
		Short: "Change settings of a channel in the configuration",
		Long: `Change settings of a channel in the configuration and apply them. The file keeps
its comments and its layout, and settings without a flag stay as they are.`,
		Example:           "  aitunnel channel set primary --target https://api.primary.example/v1\n  aitunnel channel set spare --fallback=false --weight 2",
		Args:              command.ExactArgs("CHANNEL"),
		ValidArgsFunction: a.completeChannel,
		RunE: func(c *cobra.Command, args []string) error {
			spec, changed := admin.ChannelSpec{}, c.Flags().Changed
			if changed("target") {
				spec.Target = &target
			}
			if changed("auth") {
				spec.Auth = &auth
			}
			if changed("weight") {
				spec.Weight = &weight
			}
			if changed("fallback") {
				spec.Fallback = &fallback
			}
			if changed("model") {
				spec.Models = &models
			}
			if spec == (admin.ChannelSpec{}) {
				return command.WrongUsage(c, errors.New("channel set needs a setting to change, such as --target"))
			}
			client := a.Client()
			if _, err := a.channelNamed(c.Context(), args[0]); err != nil {
				return err
			}
			out, err := client.ChangeChannel(c.Context(), args[0], spec)
			return a.Report(out, err, asJSON, "Channel "+args[0]+" was changed in the configuration. To undo it: aitunnel config undo")
		},
	}, &asJSON)
	f := c.Flags()
	f.StringVar(&target, "target", "", "the address of its site")
	f.StringVar(&auth, "auth", "", "how the site takes the key: auto, bearer, x-api-key, x-goog-api-key, query:NAME, none or passthrough")
	f.Float64Var(&weight, "weight", 0, "its share of the requests, compared to the other channels")
	f.BoolVar(&fallback, "fallback", false, "use it only when no other channel is available")
	f.StringSliceVar(&models, "model", nil, "a pattern of model names that it serves; may be repeated")
	return c
}
