package cli

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/edit"
)

func (a *app) fmtCommand() *cobra.Command {
	check := false
	c := &cobra.Command{
		Use:     "fmt [FILE...]",
		Short:   "Put configurations into the usual layout",
		Long:    "Put configurations into the usual layout, in place, and print the names of those\nthat were changed. With - the text is read from standard input and printed.",
		Example: "  aitunnel fmt\n  aitunnel fmt aitunnel.hcl\n  aitunnel fmt --check aitunnel.hcl",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				path, err := config.Find(a.config)
				if err != nil {
					return err
				}
				args = []string{path}
			}
			changed := 0
			for _, path := range args {
				different, err := a.format(path, check)
				if err != nil {
					return err
				}
				if different {
					changed++
				}
			}
			if check && changed > 0 {
				return fmt.Errorf("not in the usual layout: %d of %s; run aitunnel fmt", changed, count(len(args), "file"))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&check, "check", false, "change nothing, and fail if something would change")
	return c
}

func (a *app) format(path string, check bool) (changed bool, err error) {
	if path == "-" {
		return a.formatStream(check)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	out, report := config.Format(path, text)
	if report.HasErrors() {
		return false, &daemon.ConfigError{Report: report}
	}
	if bytes.Equal(text, out) {
		return false, nil
	}
	if _, err := fmt.Fprintln(a.out, path); err != nil || check {
		return true, err
	}
	return true, edit.Write(path, out, a.stateDir)
}

// formatStream prints what it read in the usual layout or, to check, whether
// that differs.
func (a *app) formatStream(check bool) (changed bool, err error) {
	var text bytes.Buffer
	if _, err := text.ReadFrom(a.in); err != nil {
		return false, err
	}
	out, report := config.Format("<stdin>", text.Bytes())
	if report.HasErrors() {
		return false, &daemon.ConfigError{Report: report}
	}
	if check {
		if changed = !bytes.Equal(text.Bytes(), out); changed {
			_, err = fmt.Fprintln(a.out, "<stdin>")
		}
		return changed, err
	}
	_, err = a.out.Write(out)
	return false, err
}
