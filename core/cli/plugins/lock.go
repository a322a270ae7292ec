package plugins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/trust"
)

func (a *app) pluginLockCommand() *cobra.Command {
	asJSON, yes := false, false
	c := &cobra.Command{
		Use:   "lock [NAME|PATH]...",
		Short: "Allow plugins to run, by adding their hashes to the lock file",
		Long: "Add the hashes of plugin executables to the lock file, so that they may run:\n" +
			"those that are named, or all that the configuration declares or that are\n" +
			"installed. An executable for another platform, given by its path, is locked for\n" +
			"that platform. Lock only plugins that you trust.\n\n" +
			"If a hash changes, or if the plugin has a signing_key (an executable has no\n" +
			"signature to check), the hashes are shown and you are asked. Without a terminal,\n" +
			"nothing is changed and the exit code is 2, unless you add --yes.",
		Example: "  aitunnel plugin lock acme\n  aitunnel plugin lock --yes\n  aitunnel plugin lock dist/darwin_arm64/aitunnel-plugin-acme",
		RunE:    a.pluginAsService(func(c *cobra.Command, args []string) error { return a.pluginLock(c, args, yes, asJSON) }),
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "replace hashes without asking")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) pluginLock(c *cobra.Command, args []string, yes, asJSON bool) error {
	ctx := c.Context()
	configured, _, err := a.lockPlace()
	if err != nil {
		return err
	}
	return a.WithPlugins(configured, func(h *pluginhost.Host) error {
		blocks := a.DeclaredPlugins(configured)
		wanted, err := lockTargets(h, blocks, args)
		if err != nil {
			return err
		}
		if err := a.agreeToLock(c, configured, h, wanted, yes); err != nil { // before running any of them
			return err
		}
		trials, err := lockTrials(ctx, h, blocks, wanted)
		if err != nil {
			return err
		}
		here := slices.DeleteFunc(slices.Clone(trials), (*pluginhost.Trial).ForOtherPlatform)
		if _, err := a.checkCompatible(ctx, configured, h, here...); err != nil {
			return fmt.Errorf("nothing was locked: %w", err)
		}
		if err := h.Lock(trials...); err != nil {
			return err
		}
		return a.printLocked(h, trials, asJSON)
	})
}

// lockTrials starts the executables that are to be locked.
func lockTrials(ctx context.Context, h *pluginhost.Host, blocks []*config.Plugin, wanted []pluginhost.Candidate) (trials []*pluginhost.Trial, err error) {
	for _, w := range wanted {
		t, err := h.Try(ctx, w.Name, w.Path, declared(blocks, w.Name))
		if err == nil && t.Executable.SHA256 != w.SHA256 {
			err = fmt.Errorf("%s was changed meanwhile", w.Path)
		}
		if err != nil {
			return nil, fmt.Errorf("nothing was locked: %w", err)
		}
		trials = append(trials, t)
	}
	return trials, nil
}

// agreeToLock asks about hashes that change, and about executables of plugins whose
// releases are signed, since their signature cannot be checked. It does not ask about
// other new plugins. It stores the hashes in wanted.
func (a *app) agreeToLock(c *cobra.Command, configured string, h *pluginhost.Host, wanted []pluginhost.Candidate, yes bool) error {
	keys, err := a.signingKeys(configured)
	if err != nil {
		return fmt.Errorf("nothing was locked: %w", err)
	}
	lock := keys.lock
	changed := 0
	for i, w := range wanted {
		is, err := h.Inspect(w.Path)
		if err != nil {
			return fmt.Errorf("nothing was locked: %w", err)
		}
		wanted[i].SHA256 = is.SHA256
		platform := cmp.Or(is.Platform, trust.Platform)
		old, ok := lock.Entry(w.Name, platform)
		if ok && old.SHA256 == is.SHA256 {
			continue
		}
		if where := keys.where(w.Name); where != "" {
			_, _ = fmt.Fprintf(a.Err, "%s\n", unsigned(w.Name, where, w.Path))
		} else if !ok {
			continue
		}
		changed++
		if !ok {
			_, _ = fmt.Fprintf(a.Err, "%s for %s is new:\n  %s\n", w.Name, platform, is.SHA256)
			continue
		}
		_, _ = fmt.Fprintf(a.Err, "%s for %s changes:\n  from %s (%s)\n  to   %s\n", w.Name, platform, old.SHA256, old.Version, is.SHA256)
	}
	if changed == 0 || yes {
		return nil
	}
	agreed, err := a.Input().Confirm(c.Context(), "Lock "+term.Count(changed, "executable")+"?")
	switch {
	case errors.Is(err, term.ErrNoTerminal):
		return command.WrongUsage(c, fmt.Errorf("nothing was locked: %w; if you trust the new bytes, add --yes", err))
	case err != nil:
		return err
	case !agreed:
		return errors.New("nothing was locked")
	}
	return nil
}

// lockTargets returns the executables that the arguments name; without arguments, all.
func lockTargets(h *pluginhost.Host, blocks []*config.Plugin, args []string) (out []pluginhost.Candidate, err error) {
	candidates, taken := h.Candidates(blocks), map[string]bool{}
	if len(args) == 0 {
		for _, c := range candidates {
			if c.SHA256 != "" && !taken[c.Name] {
				taken[c.Name] = true
				out = append(out, c)
			}
		}
		if len(out) == 0 {
			return nil, errors.New("there is nothing to lock: the configuration declares no plugin, and none is installed; 'aitunnel plugin install SOURCE' installs one")
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
		case h.IsMissing(arg):
			_, err := h.Find(arg, declared(blocks, arg))
			return nil, fmt.Errorf("nothing was locked: %w", err)
		default:
			return nil, fmt.Errorf("there is no plugin %q: it is neither declared in the configuration nor installed; install it with 'aitunnel plugin install SOURCE'", arg)
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
		return a.PrintJSON(out)
	}
	for _, p := range out {
		name := strings.TrimSpace(p.Plugin + " " + p.Version)
		if _, err := fmt.Fprintf(a.Out, "Locked %s for %s, sha256 %s…\n  %s\n", name, p.Platform, p.SHA256[:12], p.Path); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.Out, "in %s.\n", h.LockPath())
	return err
}
