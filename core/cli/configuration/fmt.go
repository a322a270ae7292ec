package configuration

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/edit"
)

func (a *app) fmtCommand() *cobra.Command {
	check := false
	c := &cobra.Command{
		Use:     "fmt [FILE|DIRECTORY...]",
		Short:   "Format configuration files",
		Long:    "Format configuration files in place and print the names of those that changed. In\na directory, all *.hcl files are formatted. With -, standard input is formatted and\nprinted.",
		Example: "  aitunnel fmt\n  aitunnel fmt aitunnel.hcl\n  aitunnel fmt --check aitunnel.hcl",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				path, err := config.Find(a.Config)
				if err != nil {
					return err
				}
				args = []string{path}
			}
			files, err := configFiles(args)
			if err != nil {
				return err
			}
			changed := 0
			for _, path := range files {
				different, err := a.format(path, check)
				if err != nil {
					return err
				}
				if different {
					changed++
				}
			}
			if check && changed > 0 {
				return fmt.Errorf("%d of %s not formatted: run 'aitunnel fmt'", changed, term.Count(len(files), "file"))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&check, "check", false, "change nothing; fail if a file is not formatted")
	return c
}

// configFiles returns the files among paths, and those in the directories.
func configFiles(paths []string) (files []string, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if path == "-" || err != nil || !info.IsDir() {
			files = append(files, path) // reading it returns the error
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !e.IsDir() && filepath.Ext(e.Name()) == ".hcl" && !strings.HasPrefix(e.Name(), ".") {
				files = append(files, filepath.Join(path, e.Name()))
			}
		}
	}
	return files, nil
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
		return false, &reload.ConfigError{Report: report}
	}
	if bytes.Equal(text, out) {
		return false, nil
	}
	if _, err := fmt.Fprintln(a.Out, path); err != nil || check {
		return true, err
	}
	return true, edit.Write(path, out, a.StateDir)
}

// formatStream formats standard input or, with check, reports whether it is formatted.
func (a *app) formatStream(check bool) (changed bool, err error) {
	var text bytes.Buffer
	if _, err := text.ReadFrom(a.In); err != nil {
		return false, err
	}
	out, report := config.Format("<stdin>", text.Bytes())
	if report.HasErrors() {
		return false, &reload.ConfigError{Report: report}
	}
	if check {
		if changed = !bytes.Equal(text.Bytes(), out); changed {
			_, err = fmt.Fprintln(a.Out, "<stdin>")
		}
		return changed, err
	}
	_, err = a.Out.Write(out)
	return false, err
}
