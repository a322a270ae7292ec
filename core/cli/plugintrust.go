package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/sdk/schemadoc"
)

func (a *app) pluginInstallCommand() *cobra.Command {
	user, asJSON := false, false
	c := &cobra.Command{
		Use:   "install PATH",
		Short: "Install the executable of a plugin and lock it",
		Long: "Test the executable of a plugin, copy it to .aitunnel/plugins next to the\n" +
			"configuration, and add its hash to the lock file, so that it may run. Without a\n" +
			"configuration it is installed for the user.\n\n" +
			"A running program with this configuration switches to a new version by itself,\n" +
			"without losing a request.",
		Example: "  aitunnel plugin install ./aitunnel-plugin-acme\n  aitunnel plugin install --user ~/Downloads/aitunnel-plugin-acme",
		Args:    names("the path of an executable"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.pluginInstall(c.Context(), args[0], user, asJSON)
		},
	}
	c.Flags().BoolVar(&user, "user", false, "install it in the user's data directory for all configurations, and lock it for this one")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) pluginLockCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "lock [NAME|PATH]...",
		Short: "Allow plugins to run, by adding their hashes to the lock file",
		Long: "Add the hashes of plugin executables to the lock file, so that they may run:\n" +
			"those that are named, or all that the configuration declares or that are\n" +
			"installed. An executable for another platform, given by its path, is locked for\n" +
			"that platform. Lock only plugins that you trust.",
		Example: "  aitunnel plugin lock acme\n  aitunnel plugin lock\n  aitunnel plugin lock dist/darwin_arm64/aitunnel-plugin-acme",
		RunE:    func(c *cobra.Command, args []string) error { return a.pluginLock(c.Context(), args, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// lockedPlugin is an executable that was locked.
type lockedPlugin struct {
	Plugin     string   `json:"plugin"`
	Version    string   `json:"version,omitempty"`
	Path       string   `json:"path"`
	SHA256     string   `json:"sha256"`
	Platform   string   `json:"platform"`
	LockFile   string   `json:"lockFile"`
	Components []string `json:"components,omitempty"` // as the configuration names them
}

func describeLocked(h *pluginhost.Host, t *pluginhost.Trial) lockedPlugin {
	out := lockedPlugin{
		Plugin: t.Name, Version: t.Description.Version, Path: t.Executable.Path, SHA256: t.Executable.SHA256,
		Platform: t.Executable.Platform, LockFile: h.LockPath(),
	}
	if out.Platform == "" {
		out.Platform = trust.Platform
	}
	d := t.Description
	d.Name = t.Name // as the configuration calls it
	for _, c := range d.Components {
		out.Components = append(out.Components, fmt.Sprintf("%s %q {}", schemadoc.Block(c.Kind), schemadoc.Ref(d, c)))
	}
	return out
}

// lockPlace is the configuration next to which the lock file is. If there is none
// yet, it is where the user's configuration would be.
func (a *app) lockPlace() (path string, found bool, err error) {
	path, err = config.Find(a.config)
	if err == nil {
		return path, true, nil
	}
	if a.config != "" || os.Getenv("AITUNNEL_CONFIG") != "" {
		return "", false, err
	}
	return filepath.Join(xdg.ConfigHome, "aitunnel", config.FileName), false, nil
}

func (a *app) pluginInstall(ctx context.Context, path string, user, asJSON bool) error {
	configured, found, err := a.lockPlace()
	if err != nil {
		return err
	}
	name, err := pluginhost.NameOf(path)
	if err != nil {
		return err
	}
	return a.withPlugins(configured, func(h *pluginhost.Host) error {
		t, err := h.Try(ctx, name, path, declared(a.declared(configured), name))
		if err != nil {
			return fmt.Errorf("nothing was installed: %w", err)
		}
		if t.Foreign() {
			return fmt.Errorf("nothing was installed: %s is built for %s, but this is %s; 'aitunnel plugin lock %s' would lock it for that platform", path, t.Executable.Platform, trust.Platform, path)
		}
		to := h.Installed(name, user || !found)
		if err := copyFile(t.Executable.Path, to); err != nil {
			return fmt.Errorf("nothing was installed: %w", err)
		}
		if err := os.MkdirAll(filepath.Dir(h.LockPath()), 0o700); err != nil {
			return err
		}
		if err := h.Lock(t); err != nil {
			return err
		}
		out := describeLocked(h, t)
		out.Path = to
		if asJSON {
			return a.printJSON(out)
		}
		return printInstalled(a.out, out)
	})
}

func printInstalled(w io.Writer, p lockedPlugin) error {
	_, err := fmt.Fprintf(w, "Installed %s %s as %s,\nand locked its sha256 %s… in %s.\n\nTo use it:\n\n  plugin %q {}\n", p.Plugin, p.Version, p.Path, p.SHA256[:12], p.LockFile, p.Plugin)
	for _, c := range p.Components {
		if err == nil {
			_, err = fmt.Fprintf(w, "  %s\n", c)
		}
	}
	if err == nil {
		_, err = fmt.Fprintf(w, "\n'aitunnel plugin info %s' shows its settings.\n", p.Plugin)
	}
	return err
}

// copyFile puts a copy of an executable into its place in one step.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(to), ".new-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close(), os.Chmod(out.Name(), 0o755)); err == nil {
		err = os.Rename(out.Name(), to)
	}
	if err != nil {
		_ = os.Remove(out.Name())
	}
	return err
}

// declared is the block of a plugin, nil if there is none.
func declared(blocks []*config.Plugin, name string) *config.Plugin {
	i := slices.IndexFunc(blocks, func(p *config.Plugin) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return blocks[i]
}

func (a *app) declared(path string) []*config.Plugin {
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	return config.Declared(config.Options{Path: path, Vars: a.vars})
}

func (a *app) pluginLock(ctx context.Context, args []string, asJSON bool) error {
	configured, _, err := a.lockPlace()
	if err != nil {
		return err
	}
	return a.withPlugins(configured, func(h *pluginhost.Host) error {
		blocks := a.declared(configured)
		wanted, err := lockTargets(h.Candidates(blocks), args)
		if err != nil {
			return err
		}
		var trials []*pluginhost.Trial
		for _, w := range wanted {
			t, err := h.Try(ctx, w.Name, w.Path, declared(blocks, w.Name))
			if err != nil {
				return fmt.Errorf("nothing was locked: %w", err)
			}
			trials = append(trials, t)
		}
		if err := h.Lock(trials...); err != nil {
			return err
		}
		return a.printLocked(h, trials, asJSON)
	})
}

// lockTargets finds what the arguments name among the candidates; no argument
// names them all.
func lockTargets(candidates []pluginhost.Candidate, args []string) (out []pluginhost.Candidate, err error) {
	taken := map[string]bool{}
	if len(args) == 0 {
		for _, c := range candidates {
			if c.SHA256 != "" && !taken[c.Name] {
				taken[c.Name] = true
				out = append(out, c)
			}
		}
		if len(out) == 0 {
			return nil, errors.New("there is nothing to lock: the configuration declares no plugin, and none is installed; 'aitunnel plugin install PATH' installs one")
		}
		return out, nil
	}
	for _, arg := range args {
		i := slices.IndexFunc(candidates, func(c pluginhost.Candidate) bool { return c.Name == arg })
		switch {
		case i >= 0 && candidates[i].SHA256 == "":
			return nil, errors.New(candidates[i].Reason)
		case i >= 0:
			out = append(out, candidates[i])
		case strings.ContainsAny(arg, `/\.`):
			name, err := pluginhost.NameOf(arg)
			if err != nil {
				return nil, err
			}
			out = append(out, pluginhost.Candidate{Name: name, Path: arg})
		default:
			return nil, fmt.Errorf("there is no plugin %q: it is neither declared in the configuration nor installed; install it with 'aitunnel plugin install PATH'", arg)
		}
	}
	return out, nil
}

func (a *app) printLocked(h *pluginhost.Host, trials []*pluginhost.Trial, asJSON bool) error {
	out := []lockedPlugin{}
	for _, t := range trials {
		out = append(out, describeLocked(h, t))
	}
	if asJSON {
		return a.printJSON(out)
	}
	for _, p := range out {
		name := strings.TrimSpace(p.Plugin + " " + p.Version)
		if _, err := fmt.Fprintf(a.out, "Locked %s for %s, sha256 %s…\n  %s\n", name, p.Platform, p.SHA256[:12], p.Path); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.out, "in %s.\n", h.LockPath())
	return err
}
