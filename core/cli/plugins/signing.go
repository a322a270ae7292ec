package plugins

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/trust"
)

// signingKeys contains the keys with which releases of plugins must be signed: those
// in their blocks and those in the lock file.
type signingKeys struct {
	blocks []*config.Plugin
	lock   trust.Lock
	path   string // of the lock file
}

// signingKeys reads the configuration and the lock file. If one of them cannot be
// read, that is an error, since it may contain a key.
func (a *app) signingKeys(configured string) (keys signingKeys, err error) {
	if keys.blocks, err = a.pluginBlocks(configured); err != nil {
		return keys, err
	}
	err = a.WithPlugins(configured, func(h *pluginhost.Host) (err error) {
		keys.path = h.LockPath()
		keys.lock, err = h.ReadLock()
		return err
	})
	return keys, err
}

// of returns the key of a plugin, "" if it has none.
func (k signingKeys) of(name string) (string, error) {
	block, locked := k.known(name)
	if block != "" && locked != "" && block != locked {
		return "", fmt.Errorf("plugin %q is locked with another signing_key than its block has now: if its author confirms the new key, write it into %s, too", name, k.path)
	}
	if block == "" {
		return locked, nil
	}
	return block, nil
}

// known returns the key in the plugin's block and the locked one.
func (k signingKeys) known(name string) (block, locked string) {
	if b := declared(k.blocks, name); b != nil {
		block = b.SigningKey
	}
	if p := k.lock[name]; p != nil {
		locked = p.SigningKey
	}
	return block, locked
}

// where returns where the key of a plugin is set, "" if it has none.
func (k signingKeys) where(name string) string {
	switch block, locked := k.known(name); {
	case block != "":
		return placeOf(declared(k.blocks, name))
	case locked != "":
		return "the lock file"
	}
	return ""
}

// archives returns the locked checksums of a version of a plugin. They do not apply to
// another source.
func (k signingKeys) archives(name, version string, w releaseWanted) map[string]string {
	p := k.lock[name]
	switch {
	case p == nil || w.name == "" && p.Source != w.source:
		return nil
	case p.Version() == version:
		return p.Archives
	case p.Previous != nil && p.Previous.Version() == version:
		return p.Previous.Archives
	}
	return nil
}

// check returns an error for an executable that has not been verified with the key of
// its plugin. One that is already locked may be installed again.
func (k signingKeys) check(h *pluginhost.Host, name, path string, from origin) error {
	key, err := k.of(name)
	if err != nil || key == from.key {
		return err
	}
	is, err := h.Inspect(path)
	if err != nil {
		return err
	}
	if e, ok := k.lock.Entry(name, trust.Platform); ok && e.SHA256 == is.SHA256 {
		return nil
	}
	problem := unsigned(name, k.where(name), path)
	switch {
	case !from.local: // not reached: fetchRelease verifies with the same key
		return errors.New(problem)
	case from.agree == nil:
		return fmt.Errorf("%s; if you trust the file, run: aitunnel plugin install %s", problem, path)
	}
	return from.agree(fmt.Sprintf("%s\nIts sha256 is %s.", problem, is.SHA256))
}

func unsigned(name, where, path string) string {
	return fmt.Sprintf("plugin %q has a signing_key in %s, but the signature of %s cannot be checked: it is an executable, and only SHA256SUMS of a release is signed", name, where, path)
}

// agreeUnsigned asks whether to install an executable without checking a signature.
func (a *app) agreeUnsigned(c *cobra.Command, problem string, yes bool) error {
	_, _ = fmt.Fprintf(a.Err, "%s\n", problem)
	if yes {
		return nil
	}
	agreed, err := a.Input().Confirm(c.Context(), "Install it without a signature?")
	switch {
	case errors.Is(err, term.ErrNoTerminal):
		return command.WrongUsage(c, fmt.Errorf("%w; if you trust the file, add --yes", err))
	case err == nil && !agreed:
		return errors.New("you did not agree")
	}
	return err
}

// within adds context to an error, and keeps its exit code.
func within(err error, format string, args ...any) error {
	outer := fmt.Errorf(format, args...)
	if usage := (command.UsageError{}); errors.As(err, &usage) {
		return command.WrongUsage(usage.Command, outer)
	}
	return outer
}

// pluginBlocks returns the plugin blocks of a configuration, none if there is no file.
// It is an error if the file cannot be read.
func (a *app) pluginBlocks(path string) ([]*config.Plugin, error) {
	if isMissing(path) {
		return nil, nil
	}
	blocks, err := config.PluginBlocks(config.Options{Path: path, Vars: a.Vars})
	if err != nil {
		return nil, fmt.Errorf("the plugin blocks of the configuration cannot be read: %w", err)
	}
	return blocks, nil
}
