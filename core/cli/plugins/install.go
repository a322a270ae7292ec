package plugins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/pluginsource"
	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/schemadoc"
)

func (a *app) pluginInstallCommand() *cobra.Command {
	user, yes, asJSON := false, false, false
	c := &cobra.Command{
		Use:   "install SOURCE[@VERSION]",
		Short: "Install a plugin and lock it",
		Long: "Get a plugin, test it with the configuration, copy it to .aitunnel/plugins next to\n" +
			"the configuration, and add its hash to the lock file, so that it may run. Without a\n" +
			"configuration it is installed for the user.\n\n" +
			"SOURCE is a repository on GitHub (github.com/OWNER/REPOSITORY), the https address\n" +
			"of an archive, or the path of an executable, of an archive, or of a folder with the\n" +
			"archives of releases. For a private repository, set GITHUB_TOKEN in the environment.\n\n" +
			"If the plugin has a signing_key, in its block or in the lock file, a release must be\n" +
			"signed with it. An executable has no signature, so you are asked first. Without a\n" +
			"terminal, nothing is installed and the exit code is 2, unless you add --yes.\n\n" +
			"Nothing is replaced if the configuration does not work with the new version. A\n" +
			"running program with this configuration switches to it by itself, without losing\n" +
			"a request; 'plugin rollback' goes back to the version before.",
		Example: "  aitunnel plugin install github.com/acme/aitunnel-plugin-acme\n  aitunnel plugin install github.com/acme/aitunnel-plugin-acme@1.2.0\n  aitunnel plugin install ./aitunnel-plugin-acme\n  aitunnel plugin install ./dist",
		Args:    command.ExactArgs("the source of a plugin: a repository, the address of an archive, or a path"),
		RunE: a.pluginAsService(func(c *cobra.Command, args []string) error {
			return a.pluginInstall(c, args[0], user, yes, asJSON)
		}),
	}
	c.Flags().BoolVar(&user, "user", false, "install it in the user's data directory for all configurations, and lock it for this one")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "install an executable even though its signature cannot be checked")
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

	examples []string // of the components that need settings; "" for the others
	replaced string   // version that was locked before; "": none
	usedAt   []string // blocks that already use it
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
	d.Name = t.Name // the name in the configuration
	for _, c := range d.Components {
		out.Components = append(out.Components, fmt.Sprintf("%s %q {}", schemadoc.Block(c.Kind), schemadoc.Ref(d, c)))
		example := ""
		if needsSettings(c) {
			example = schemadoc.Example(d, c)
		}
		out.examples = append(out.examples, example)
	}
	return out
}

func needsSettings(c sdk.ComponentDescription) bool {
	return c.Schema != nil && (slices.ContainsFunc(c.Schema.Attributes, func(a sdk.Attribute) bool { return a.Required }) ||
		slices.ContainsFunc(c.Schema.Blocks, func(b sdk.Block) bool { return b.Required }))
}

// lockPlace returns the configuration whose directory contains the lock file. If there
// is none yet, it is where the user's configuration would be.
func (a *app) lockPlace() (path string, found bool, err error) {
	path, err = config.Find(a.Config)
	if err == nil {
		return path, true, nil
	}
	if a.Config != "" || os.Getenv("AITUNNEL_CONFIG") != "" {
		return "", false, err
	}
	return filepath.Join(xdg.ConfigHome, "aitunnel", config.FileName), false, nil
}

func (a *app) pluginInstall(c *cobra.Command, source string, user, yes, asJSON bool) error {
	ctx := c.Context()
	configured, found, err := a.lockPlace()
	if err != nil {
		return err
	}
	place := installPlace{configured: configured, user: user || !found}
	source, version := splitVersion(source)
	var out lockedPlugin
	if isExecutable(source) {
		out, err = a.installFile(ctx, place, source, origin{source: source, local: true, agree: func(question string) error { return a.agreeUnsigned(c, question, yes) }})
	} else if err = checkSource(source); err == nil {
		out, err = a.installRelease(ctx, place, releaseWanted{source: source, exact: version})
	}
	if err != nil {
		return within(err, "nothing was installed: %w", err)
	}
	if asJSON {
		return a.PrintJSON(out)
	}
	return printInstalled(a.Out, out)
}

// isPath reports whether a source is a path: it has the form of one, or exists and is
// not a repository.
func isPath(source string) bool {
	if config.IsPath(source) {
		return true
	}
	info, err := os.Stat(source)
	return err == nil && (info.Mode().IsRegular() || info.IsDir() && config.CheckSource(source) != nil)
}

// isLocalRelease reports whether a source is the path of an archive, or of a folder of them.
func isLocalRelease(source string) bool {
	path, err := expandHome(source)
	return err == nil && isPath(source) && pluginsource.IsLocal(path)
}

// isExecutable reports whether a source is the path of an executable.
func isExecutable(source string) bool { return isPath(source) && !isLocalRelease(source) }

func checkSource(source string) error {
	if isPath(source) {
		return nil
	}
	return config.CheckSource(source)
}

// splitVersion splits SOURCE@VERSION. A path may itself contain an @.
func splitVersion(source string) (_, version string) {
	if strings.HasPrefix(source, "https://") {
		return source, ""
	}
	at := strings.LastIndex(source, "@")
	if at < 0 || isPath(source) && !isLocalRelease(source[:at]) {
		return source, ""
	}
	return source[:at], source[at+1:]
}

// installPlace is where plugins are installed.
type installPlace struct {
	configured string // the configuration
	user       bool   // in the user's data directory
}

// origin is where a release comes from.
type origin struct {
	source   string
	local    bool   // a path, which only works on this machine
	key      string // with which it is signed; "": none
	archives map[string]string
	name     string // the required name; "": any
	version  string // the required version; "": any

	// agree asks whether to install an executable although its signature cannot be
	// checked; nil: it is not installed.
	agree func(question string) error
}

// installFile tests an executable, copies it to its place and locks it.
func (a *app) installFile(ctx context.Context, place installPlace, path string, from origin) (out lockedPlugin, err error) {
	path, err = expandHome(path)
	if err != nil {
		return out, err
	}
	keys, err := a.signingKeys(place.configured)
	if err != nil {
		return out, err
	}
	blocks := keys.blocks
	err = a.WithPlugins(place.configured, func(h *pluginhost.Host) error {
		t, err := a.tryNew(ctx, h, path, keys, from)
		if err != nil {
			return keys.staying(err, path, from)
		}
		if limit := h.StartLimit(); t.Started > limit {
			a.Warn("%s %s took %s to start. When aitunnel starts, it waits %s for a plugin; then it uses the previous version, or else on_failure, until the plugin is ready.", t.Name, t.Description.Version, wording.Duration(t.Started.Round(100*time.Millisecond)), wording.Duration(limit))
		}
		usedAt, err := a.checkCompatible(ctx, place.configured, h, t)
		if err != nil {
			return err
		}
		to := h.InstallPath(t.Name, place.user)
		if old, err := h.Find(t.Name, declared(blocks, t.Name)); err == nil {
			h.KeepCopy(t.Name, old)
			if inUser := h.InstallPath(t.Name, true); old == inUser {
				to = inUser
			}
		}
		if err := copyFile(t.Executable.Path, to); err != nil {
			return err
		}
		lock, err := h.ReadLock()
		if err != nil {
			return err
		}
		old, _ := lock.Entry(t.Name, trust.Platform)
		entry := trust.Entry{Version: t.Description.Version, SHA256: t.Executable.SHA256}
		if from.local {
			lock.SetLocal(t.Name, from.key, entry)
			if p := lock[t.Name]; isLocalRelease(from.source) && (p.Source == "" || isPath(p.Source)) {
				p.Source = relativeToLock(h.LockPath(), from.source)
			}
		} else {
			lock.SetRelease(t.Name, from.source, from.key, from.archives, entry)
		}
		if err := h.WriteLock(lock); err != nil {
			return err
		}
		out = describeLocked(h, t)
		out.Path, out.usedAt = to, usedAt
		if old.SHA256 != entry.SHA256 {
			out.replaced = old.Version
		}
		return nil
	})
	return out, err
}

// staying adds to the error of a new executable which version stays installed.
func (k signingKeys) staying(err error, path string, from origin) error {
	name := from.name
	if n, err := pluginhost.NameOf(path); err == nil && name == "" {
		name = n
	}
	if e, ok := k.lock.Entry(name, trust.Platform); ok && e.Version != "" {
		return fmt.Errorf("%w; %s %s stays", err, name, e.Version)
	}
	return err
}

// tryNew starts an executable that is to be installed, and checks its name.
func (a *app) tryNew(ctx context.Context, h *pluginhost.Host, path string, keys signingKeys, from origin) (*pluginhost.Trial, error) {
	blocks := keys.blocks
	name, err := pluginhost.NameOf(path)
	if err != nil {
		name = "" // the plugin says it
	}
	if err := keys.check(h, name, path, from); err != nil { // before running it
		return nil, err
	}
	t, err := h.Try(ctx, name, path, declared(blocks, name))
	if err != nil {
		if from.version != "" {
			err = fmt.Errorf("version %s: %w", from.version, err)
		}
		return nil, err
	}
	if t.ForOtherPlatform() {
		return nil, fmt.Errorf("%s is built for %s, but this is %s; 'aitunnel plugin lock %s' would lock it for that platform", path, t.Executable.Platform, trust.Platform, path)
	}
	if err := t.CheckName(); err != nil {
		return nil, err
	}
	if name == "" {
		if err := keys.check(h, t.Name, path, from); err != nil {
			return nil, err
		}
	}
	if from.name != "" && from.name != t.Name {
		return nil, fmt.Errorf("%s has the plugin %q, but the configuration declares it as plugin %q", from.source, t.Name, from.name)
	}
	if v := t.Description.Version; from.version != "" && v != "" && strings.TrimPrefix(v, "v") != from.version {
		return nil, fmt.Errorf("it was published as version %s, but the plugin in it is version %s: tell its author, or install another version", from.version, v)
	}
	if b := declared(blocks, t.Name); b != nil && b.Path != "" {
		return nil, fmt.Errorf("the block plugin %q names the file to use, %s: replace that file and run 'aitunnel plugin lock %s', or remove path from the block", t.Name, b.Path, t.Name)
	}
	return t, nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func expandHome(path string) (string, error) {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, strings.TrimPrefix(path, "~")), err
}

func printInstalled(w io.Writer, p lockedPlugin) error {
	_, err := fmt.Fprintf(w, "Installed %s %s as %s,\nand locked its sha256 %s… in %s.\n", p.Plugin, p.Version, p.Path, p.SHA256[:12], p.LockFile)
	if err == nil && p.replaced != "" {
		_, err = fmt.Fprintf(w, "It replaces %s: 'aitunnel plugin rollback %s' goes back to that.\n", p.replaced, p.Plugin)
	}
	if err == nil && len(p.usedAt) > 0 {
		_, err = fmt.Fprintf(w, "It is used at %s.\n", strings.Join(p.usedAt, ", "))
		return err
	}
	if err == nil {
		_, err = fmt.Fprint(w, "\nTo use it, write in the configuration:\n\n")
	}
	for i, c := range p.Components {
		if example := p.examples[i]; err == nil && example != "" {
			_, err = fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(strings.TrimSuffix(example, "\n"), "\n", "\n  "))
		} else if err == nil {
			block, _, _ := strings.Cut(c, " ")
			_, err = fmt.Fprintf(w, "  %s # in a %s\n", c, usedIn(block))
		}
	}
	if err == nil {
		_, err = fmt.Fprintf(w, "\nNo block plugin %q is needed, except to set its source, version, env or resources.\n'aitunnel plugin info %s' shows the settings.\n", p.Plugin, p.Plugin)
	}
	return err
}

// copyFile copies an executable to its place atomically.
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

func isMissing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

// declared returns the block of a plugin, nil if there is none.
func declared(blocks []*config.Plugin, name string) *config.Plugin {
	i := slices.IndexFunc(blocks, func(p *config.Plugin) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return blocks[i]
}
