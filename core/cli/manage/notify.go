package manage

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
)

func (a *app) notifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "notify",
		Short: "Show and test notifications",
		Args:  command.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.notifyList(), a.notifyTest())
	return c
}

func (a *app) notifyList() *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:     "list",
		Short:   "List the notification services",
		Example: "  aitunnel notify list\n  aitunnel notify list --json",
		Args:    command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := a.Client().Notifications(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return a.PrintJSON(all)
			}
			if len(all) == 0 {
				a.Say("The configuration has no notify blocks; 'aitunnel config example notify' shows one.")
				return nil
			}
			p := a.Paint()
			t := term.NewTable(p, "NAME", "SERVICE", "STATE", "LAST MESSAGE", ">PENDING", "EVENTS")
			for _, n := range all {
				state, sent := p.Good("ok"), "none yet"
				if n.Error != "" {
					state = p.Bad("failed: " + n.Error)
				}
				if n.Sent != nil {
					sent = term.Clock(*n.Sent)
				}
				t.Row(n.Name, n.Service, state, sent, fmt.Sprint(n.Pending), strings.Join(n.Events, ", "))
			}
			return t.Write(a.Out)
		},
	}, &asJSON)
}

func (a *app) notifyTest() *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:               "test [NAME]",
		Short:             "Send a test message to a service, or to all",
		Long:              "Send a test message to a service, or to all. The exit code is 1 if one fails.",
		Example:           "  aitunnel notify test\n  aitunnel notify test phone",
		Args:              command.AtMostOne,
		ValidArgsFunction: a.completeNotification,
		RunE: func(c *cobra.Command, args []string) error {
			client := a.Client()
			if len(args) == 0 {
				all, err := client.Notifications(c.Context())
				if err != nil {
					return err
				}
				for _, n := range all {
					args = append(args, n.Name)
				}
				if len(all) == 0 {
					return errors.New("the configuration has no notify block: see 'aitunnel config example notify'")
				}
			}
			results, failed := []admin.TestNotificationResult{}, false
			for _, name := range args {
				out, err := client.TestNotification(c.Context(), name)
				if err != nil {
					return a.Report(out, err, asJSON, "")
				}
				results = append(results, out)
				failed = failed || !out.OK
				if !asJSON {
					a.Say("%s", cmp.Or(term.After(name+": "+a.Paint().Bad("failed")+": ", out.Error), name+": "+a.Paint().Good("sent")))
				}
			}
			if asJSON {
				if err := a.PrintJSON(results); err != nil {
					return err
				}
			}
			if failed {
				return command.ExitError(command.ExitFailed)
			}
			return nil
		},
	}, &asJSON)
}

// completeNotification is for commands whose only argument is a notify block.
func (a *app) completeNotification(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	if len(args) == 0 {
		for _, n := range command.AnswerForCompletion(a.Env, c, (*adminclient.Client).Notifications) {
			out = append(out, cobra.CompletionWithDesc(n.Name, n.Service))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
