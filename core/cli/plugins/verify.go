package plugins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/sdk"
)

func (a *app) pluginVerifyCommand() *cobra.Command {
	asJSON, allowUntried, set := false, false, []string{}
	c := &cobra.Command{
		Use:   "verify PATH",
		Short: "Test the executable of a plugin: its hash, handshake and answers",
		Long: "Start the executable of a plugin, locked or not, and test each component with\n" +
			"default settings: plans for 1, 3 and 1,000 candidates, and a health check. PATH\n" +
			"may also be a release archive, or a folder of archives. Nothing is installed or\n" +
			"locked. A component with required settings is tested with those of --set, or, if\n" +
			"--config names a configuration, with its blocks.\n\nThe exit code is 1 if a test fails, or a component could not be tested.",
		Example: "  aitunnel plugin verify ./aitunnel-plugin-acme\n  aitunnel plugin verify ./aitunnel-plugin-acme --set 'cheapest.prices={\"home\":1}' --set cheapest.budget=5\n  aitunnel plugin verify ./aitunnel-plugin-acme --config aitunnel.hcl",
		Args:    command.ExactArgs("the path of an executable"),
		RunE: func(c *cobra.Command, args []string) error {
			settings, err := parseSettings(set)
			if err != nil {
				return command.WrongUsage(c, err)
			}
			return a.pluginVerify(c.Context(), args[0], settings, allowUntried, asJSON)
		},
	}
	c.Flags().StringArrayVar(&set, "set", nil, "a setting of a component, as `COMPONENT.NAME=VALUE`; VALUE is JSON, or a string; may be repeated")
	c.Flags().BoolVar(&allowUntried, "allow-untried", false, "exit with 0 even if a component could not be tested")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// verification is the result of plugin verify.
type verification struct {
	OK       bool             `json:"ok"`
	Failed   bool             `json:"failed"` // a test failed; if neither is true, something was not tested
	Path     string           `json:"path"`
	Plugin   string           `json:"plugin"`
	Version  string           `json:"version,omitempty"`
	Protocol int              `json:"protocol,omitempty"`
	SHA256   string           `json:"sha256,omitempty"`
	Platform string           `json:"platform"`
	Lock     trust.State      `json:"lock,omitempty"`
	Error    string           `json:"error,omitempty"` // why it could not be tested
	Findings []daemon.Finding `json:"components"`
}

// errFailed is the error for a plugin whose faults were already printed.
var errFailed = errors.New("the plugin failed the test")

// untested is the error for components that could not be tested.
func untested(all []daemon.Finding) error {
	var names []string
	for _, f := range all {
		if f.Skipped {
			names = append(names, f.Name)
		}
	}
	return fmt.Errorf("nothing failed, but not everything was tested: %s. Give settings that are missing with --set or --config, or accept this with --allow-untried", strings.Join(names, ", "))
}

// parseSettings reads COMPONENT.NAME=VALUE.
func parseSettings(all []string) (map[string]map[string]json.RawMessage, error) {
	out := map[string]map[string]json.RawMessage{}
	for _, s := range all {
		path, value, ok := strings.Cut(s, "=")
		component, name, dot := strings.Cut(path, ".")
		if !ok || !dot {
			return nil, fmt.Errorf("--set %q is not COMPONENT.NAME=VALUE", s)
		}
		raw := json.RawMessage(value)
		if !json.Valid(raw) {
			raw, _ = json.Marshal(value)
		}
		if out[component] == nil {
			out[component] = map[string]json.RawMessage{}
		}
		out[component][name] = raw
	}
	return out, nil
}

func (a *app) pluginVerify(ctx context.Context, path string, settings map[string]map[string]json.RawMessage, allowUntried, asJSON bool) error {
	configured, _, err := a.lockPlace()
	if err != nil {
		return err
	}
	if isLocalRelease(path) {
		return a.withRelease(ctx, configured, releaseWanted{source: path}, func(executable string, _ origin) error {
			return a.verifyExecutable(ctx, configured, executable, path, settings, allowUntried, asJSON)
		})
	}
	return a.verifyExecutable(ctx, configured, path, path, settings, allowUntried, asJSON)
}

// verifyExecutable tests an executable. shown is the path that the user gave.
func (a *app) verifyExecutable(ctx context.Context, configured, path, shown string, settings map[string]map[string]json.RawMessage, allowUntried, asJSON bool) error {
	name, err := pluginhost.NameOf(path)
	if err != nil {
		name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) // any name is good enough for a test
	}
	out := verification{Path: shown, Plugin: name, Platform: trust.Platform, Findings: []daemon.Finding{}}
	err = a.WithPlugins(configured, func(h *pluginhost.Host) error {
		blocks := a.DeclaredPlugins(configured)
		if err := refuseChanged(h, name, path, declared(blocks, name)); err != nil {
			return err
		}
		t, err := h.Try(ctx, name, path, declared(blocks, name))
		if err != nil {
			return err
		}
		out.SHA256, out.Lock = t.Executable.SHA256, t.Lock
		if t.Executable.Platform != "" {
			out.Platform = t.Executable.Platform
		}
		if t.ForOtherPlatform() {
			return fmt.Errorf("it is built for %s, but this is %s", t.Executable.Platform, trust.Platform)
		}
		out.Version, out.Protocol = t.Description.Version, t.Description.Protocol
		out.Findings = daemon.Examine(ctx, t, settings)
		if a.Config != "" {
			blocks := a.verifyBlocks(ctx, configured, t)
			replaced := func(f daemon.Finding) bool { return f.Skipped && isTried(blocks, f) }
			out.Findings = append(slices.DeleteFunc(out.Findings, replaced), blocks...)
		}
		out.OK, out.Failed = true, false
		for _, f := range out.Findings {
			out.OK = out.OK && (f.OK || f.Skipped && allowUntried)
			out.Failed = out.Failed || !f.OK && !f.Skipped
		}
		return unknownSettings(settings, t.Description)
	})
	if err != nil {
		out.Error, out.OK, out.Failed = err.Error(), false, true
	}
	if asJSON {
		err = a.PrintJSON(out)
	} else {
		err = a.printVerification(out)
	}
	switch {
	case err != nil || out.OK:
		return err
	case out.Failed:
		return errFailed
	}
	return untested(out.Findings)
}

// unknownSettings returns an error for settings of --set for a component that the
// plugin does not have.
func unknownSettings(settings map[string]map[string]json.RawMessage, d sdk.Description) error {
	var names []string
	for _, c := range d.Components {
		names = append(names, c.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if !slices.Contains(names, name) {
			return fmt.Errorf("--set names the component %q, which the plugin does not have. %s", name, wording.Instead(name, names))
		}
	}
	return nil
}

// verifyBlocks tests a plugin with the blocks of the configuration that use it.
func (a *app) verifyBlocks(ctx context.Context, configured string, t *pluginhost.Trial) (out []daemon.Finding) {
	err := a.WithPlugins(configured, func(h *pluginhost.Host) (err error) {
		h.UseUnlocked(t.Name, t.Executable)
		out, err = daemon.ExamineBlocks(ctx, config.Options{Path: configured, Vars: a.Vars}, h, t.Name)
		return err
	})
	if err != nil {
		out = append(out, daemon.Finding{Kind: "configuration", Name: configured, Message: err.Error()})
	}
	return out
}

// isTried reports whether another test of a component that was skipped succeeded.
func isTried(all []daemon.Finding, skipped daemon.Finding) bool {
	return slices.ContainsFunc(all, func(f daemon.Finding) bool {
		return f.OK && f.Kind == skipped.Kind && f.Name == skipped.Name
	})
}

// refuseChanged returns an error for an installed executable that is not the locked
// one, before it is run.
func refuseChanged(h *pluginhost.Host, name, path string, block *config.Plugin) error {
	installed, err := h.Find(name, block)
	if err != nil {
		return nil // it is not installed
	}
	abs, err := filepath.Abs(path)
	if err != nil || abs != installed {
		return nil
	}
	return h.CheckLock(name, installed)
}

func (a *app) printVerification(v verification) error {
	p := a.Paint()
	var out strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&out, "  %s %s\n", p.Dim(fmt.Sprintf("%-9s", name)), value)
		}
	}
	fmt.Fprintln(&out, p.Bold(strings.TrimSpace(v.Plugin+" "+v.Version)))
	line("path", v.Path)
	line("sha256", v.SHA256)
	line("platform", v.Platform)
	if v.Protocol > 0 {
		line("protocol", fmt.Sprint(v.Protocol))
	}
	line("lock", v.Lock.Text())
	if v.Error != "" {
		fmt.Fprintf(&out, "\n%s %s\n", p.Bad("failed"), v.Error)
	}
	if len(v.Findings) > 0 {
		out.WriteString("\n")
	}
	for _, f := range v.Findings {
		mark := p.Good("ok      ")
		switch {
		case f.Skipped:
			mark = p.Warn("untested")
		case !f.OK:
			mark = p.Bad("failed  ")
		}
		fmt.Fprintf(&out, "%s %s %s: %s\n", mark, strings.ReplaceAll(f.Kind, "_", " "), f.Name, f.Message)
	}
	_, err := fmt.Fprint(a.Out, out.String())
	return err
}
