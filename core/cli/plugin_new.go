package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/scaffold"
)

func (a *app) pluginNewCommand() *cobra.Command {
	var p scaffold.Plugin
	asJSON := false
	c := &cobra.Command{
		Use:   "new KIND NAME",
		Short: "Begin a plugin of your own, in a new folder",
		Long: "Write the beginning of a plugin into a new folder aitunnel-plugin-NAME: a Go\n" +
			"module that compiles and works, with tests, README and Makefile. KIND is that of\n" +
			"its component: " + strings.Join(scaffold.Kinds, ", ") + ".",
		Example: "  aitunnel plugin new strategy mine\n  cd aitunnel-plugin-mine && make test && make install",
		Args:    kindAndName,
		RunE: func(_ *cobra.Command, args []string) error {
			p.Kind, p.Name = args[0], args[1]
			return a.pluginNew(p, asJSON)
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return scaffold.Kinds, cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.Flags().StringVar(&p.Module, "module", "", "path of the Go module (default aitunnel-plugin-NAME)")
	c.Flags().StringVar(&p.SDKDir, "sdk", "", "directory of aitunnel's SDK, to use it in place of the released one")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func kindAndName(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 1 && !slices.Contains(scaffold.Kinds, args[0]):
		return fmt.Errorf("%s needs the kind of component first: %s strategy %s", inProgram(c), inProgram(c), args[0])
	case len(args) != 2:
		return fmt.Errorf("%s needs the kind of component (%s), and a name", inProgram(c), strings.Join(scaffold.Kinds, ", "))
	case !slices.Contains(scaffold.Kinds, args[0]):
		return fmt.Errorf("there is no kind of component %q: it is one of %s", args[0], strings.Join(scaffold.Kinds, ", "))
	}
	return nil
}

func (a *app) pluginNew(p scaffold.Plugin, asJSON bool) error {
	if err := scaffold.CheckName(p.Name); err != nil {
		return err
	}
	for _, f := range Builtin().Components {
		if f.Name == p.Name {
			return fmt.Errorf("%q is the name of a component that comes with aitunnel, so a configuration that names it would mean that one: choose another", p.Name)
		}
	}
	if p.Module == "" {
		p.Module = p.Dir()
	}
	if p.SDKDir != "" {
		dir, err := sdkDir(p.SDKDir)
		if err != nil {
			return err
		}
		p.SDKDir = dir
	}
	files, err := p.Write(".")
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(struct {
			Plugin string   `json:"plugin"`
			Kind   string   `json:"kind"`
			Dir    string   `json:"dir"`
			Files  []string `json:"files"`
		}{p.Name, p.Kind, p.Dir(), files})
	}
	_, err = fmt.Fprintf(a.out, "Made %s: a %s that works; what it does is in %s.go. Next:\n\n  cd %s\n  make test       # check it, with the conformance kit\n  make install    # build it, install it, and let it run\n\nThen use it in the configuration:\n\n  %s %q {}\n",
		p.Dir(), p.Noun(), p.File(), p.Dir(), p.Block(), p.Name)
	return err
}

var sdkModule = regexp.MustCompile(`(?m)^module\s+` + regexp.QuoteMeta(scaffold.SDK) + `\s*$`)

// sdkDir finds the SDK in a directory, or in that of the whole of aitunnel.
func sdkDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for _, try := range []string{abs, filepath.Join(abs, "sdk")} {
		mod, err := os.ReadFile(filepath.Join(try, "go.mod"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		if sdkModule.Match(mod) {
			return try, nil
		}
	}
	return "", fmt.Errorf("%s is not the SDK of aitunnel: there is no go.mod of %s", dir, scaffold.SDK)
}
