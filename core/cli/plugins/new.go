package plugins

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/scaffold"
)

func (a *app) pluginNewCommand() *cobra.Command {
	var p scaffold.Plugin
	asJSON := false
	c := &cobra.Command{
		Use:   "new KIND NAME",
		Short: "Create a plugin of your own in a new directory",
		Long: "Create a plugin in the new directory aitunnel-plugin-NAME: a Go module that\n" +
			"compiles and works, with tests, a README and a Makefile. KIND is the kind of its\n" +
			"component: " + strings.Join(scaffold.Kinds, ", ") + ".",
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
	c.Flags().StringVar(&p.SDKDir, "sdk", "", "directory of aitunnel's SDK, or of a clone of aitunnel, to use in place of the released SDK")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func kindAndName(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 1 && !slices.Contains(scaffold.Kinds, args[0]):
		return fmt.Errorf("%s needs the kind of component first: %s strategy %s", command.NameOf(c), command.NameOf(c), args[0])
	case len(args) != 2:
		return fmt.Errorf("%s needs the kind of component (%s), and a name", command.NameOf(c), strings.Join(scaffold.Kinds, ", "))
	case !slices.Contains(scaffold.Kinds, args[0]):
		return fmt.Errorf("unknown kind of component %q: use one of %s", args[0], strings.Join(scaffold.Kinds, ", "))
	}
	return nil
}

func (a *app) pluginNew(p scaffold.Plugin, asJSON bool) error {
	if err := scaffold.CheckName(p.Name); err != nil {
		return err
	}
	for _, f := range command.Builtin(a.Version).Components {
		if f.Name == p.Name {
			return fmt.Errorf("%q is the name of a built-in component: choose another name", p.Name)
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
		return a.PrintJSON(struct {
			Plugin string   `json:"plugin"`
			Kind   string   `json:"kind"`
			Dir    string   `json:"dir"`
			Files  []string `json:"files"`
		}{p.Name, p.Kind, p.Dir(), files})
	}
	sdk := ""
	if p.SDKDir == "" {
		sdk = "\nGo downloads the SDK. With a copy of aitunnel's source instead, add --sdk DIR to this\ncommand, or 'replace " + scaffold.SDK + " => DIR/sdk' to go.mod.\n"
	}
	_, err = fmt.Fprintf(a.Out, "Created %s: a working %s; its code is in %s.go. Next:\n\n  cd %s\n  make test       # test it with the conformance kit\n  make install    # build, install and lock it\n\nThen use it in a %s of the configuration:\n\n  %s %q {}\n%s",
		p.Dir(), p.Noun(), p.File(), p.Dir(), usedIn(p.Block()), p.Block(), p.Name, sdk)
	return err
}

// usedIn returns the block in which a component's block is written.
func usedIn(block string) string {
	if block == "strategy" {
		return "route"
	}
	return "channel"
}

var sdkModule = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^module\s+` + regexp.QuoteMeta(scaffold.SDK) + `\s*$`)
})

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
		if sdkModule().Match(mod) {
			return try, nil
		}
	}
	return "", fmt.Errorf("%s is not the SDK of aitunnel: it has no go.mod of module %s", dir, scaffold.SDK)
}
