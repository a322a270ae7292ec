package configuration

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/verdict/unknown"
)

func (a *app) verdictUnknown() *cobra.Command {
	asJSON := false
	export := ""
	c := command.JSONFlag(&cobra.Command{
		Use:     "unknown [KEY]",
		Short:   "List answers that no rule recognizes, or show one of them",
		Long:    "List answers that no rule recognizes, so that only their status counted. Answers of\nthe same form are listed once. With a KEY, show one of them: first a version that is\nsafe to share, in which only known words are left, then the answer as it came.\n--export writes the version to share to a file.",
		Example: "  aitunnel verdict unknown\n  aitunnel verdict unknown 1f2e3d4c5b6a7988\n  aitunnel verdict unknown 1f2e3d4c5b6a7988 --export answer.txtar",
		Args:    command.AtMostOne,
		RunE: func(_ *cobra.Command, args []string) error {
			a.UseServiceState()
			if len(args) == 0 {
				if export != "" {
					return fmt.Errorf("--export needs the key of an answer; aitunnel verdict unknown lists them")
				}
				return a.listUnknown(asJSON)
			}
			return a.showUnknown(args[0], export, asJSON)
		},
	}, &asJSON)
	c.Flags().StringVar(&export, "export", "", "write the version that is safe to share to this `file`")
	c.AddCommand(a.verdictUnknownRemove())
	return c
}

func (a *app) verdictUnknownRemove() *cobra.Command {
	all := false
	c := &cobra.Command{
		Use:     "remove KEY...",
		Short:   "Remove answers from the list",
		Long:    "Remove answers from the list, because there is a rule for them now or they do not\nmatter. An answer that comes again is listed again, unless a rule recognizes it.",
		Example: "  aitunnel verdict unknown remove 1f2e3d4c5b6a7988\n  aitunnel verdict unknown remove --all",
		RunE: func(c *cobra.Command, keys []string) error {
			a.UseServiceState()
			dir := unknown.Dir(a.StateDir)
			switch {
			case all == (len(keys) > 0):
				return command.WrongUsage(c, errors.New("which answers? Give their keys, which 'aitunnel verdict unknown' lists, or --all"))
			case all:
				list, err := unknown.List(dir)
				if err != nil {
					return err
				}
				for _, e := range list {
					keys = append(keys, e.Key)
				}
			}
			for _, key := range keys {
				if err := unknown.Remove(dir, key); err != nil {
					return err
				}
			}
			a.Say("Removed %s.", term.Count(len(keys), "answer"))
			return nil
		},
	}
	c.Flags().BoolVar(&all, "all", false, "remove all of them")
	return c
}

func (a *app) listUnknown(asJSON bool) error {
	list, err := unknown.List(unknown.Dir(a.StateDir))
	if err != nil {
		return err
	}
	if asJSON {
		return a.PrintJSON(list)
	}
	if len(list) == 0 {
		a.Say("Every answer so far matched a rule.")
		return nil
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "KEY\tSTATUS\tENDPOINT\tMEANS\tCOUNT\tLAST\tCHANNELS")
	for _, e := range list {
		var channels []string
		for name := range e.Channels {
			channels = append(channels, name)
		}
		slices.Sort(channels)
		_, _ = fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%d\t%s\t%s\n", e.Key, e.Status, e.Endpoint, e.Means, e.Count, e.Last.Local().Format(time.DateTime), strings.Join(channels, ", "))
	}
	return w.Flush()
}

// unknownAnswer is an unknown answer as JSON.
type unknownAnswer struct {
	Key   string `json:"key"`
	Text  string `json:"text"`  // can be sent to others
	Full  string `json:"full"`  // as it came
	Draft string `json:"draft"` // a rule to complete
}

func (a *app) showUnknown(key, export string, asJSON bool) error {
	text, full, err := unknown.Export(unknown.Dir(a.StateDir), key)
	if err != nil {
		return err
	}
	out := unknownAnswer{Key: key, Text: text, Full: full, Draft: unknown.Draft(text, full)}
	switch {
	case asJSON:
		if err := a.PrintJSON(out); err != nil {
			return err
		}
	default:
		a.Say("Safe to share:\n\n%s\nThe answer as it came; do not share it:\n\n%s\nA draft of a rule for answers like this one, to complete:\n\n%s", indent(text), indent(full), indent(out.Draft))
	}
	if export == "" {
		return nil
	}
	if err := os.WriteFile(export, []byte(text), 0o600); err != nil {
		return err
	}
	if !asJSON {
		a.Say("The first text was written to %s.", export)
	}
	return nil
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		b.WriteString("  " + line)
	}
	return b.String()
}
