package plugins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/pluginsource"
	"github.com/aitunnel/aitunnel/core/trust"
)

func (a *app) pluginInitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Install the plugins that the configuration requires",
		Long: "Install every plugin that has a source, in its block or in the lock file: the\n" +
			"version that is locked, or else the newest that the block allows, which is then\n" +
			"locked.",
		Example: "  aitunnel plugin init",
		Args:    command.NoArgs,
		RunE:    a.pluginAsService(func(c *cobra.Command, _ []string) error { return a.pluginInit(c.Context()) }),
	}
}

func (a *app) pluginUpgradeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "upgrade [NAME]",
		Short: "Install newer versions of plugins",
		Long: "Install the newest version that the configuration allows of one plugin, or of all\n" +
			"that come from a source. A running program switches to it without losing a request.\n" +
			"Nothing is replaced if the configuration does not work with the new version.",
		Example: "  aitunnel plugin upgrade\n  aitunnel plugin upgrade acme",
		Args:    command.AtMostOne,
		RunE:    a.pluginAsService(func(c *cobra.Command, args []string) error { return a.pluginUpgrade(c.Context(), args) }),
	}
}

// releaseWanted is a release that is to be installed.
type releaseWanted struct {
	name       string // the plugin's name in the configuration; "": the name in the plugin
	source     string
	constraint string
	exact      string // version; "": the newest that the constraint allows
}

// sourced returns the plugins that come from a source, by their blocks or the lock file.
func (a *app) sourced(configured string) (all []releaseWanted, _ trust.Lock, err error) {
	keys, err := a.signingKeys(configured)
	if err != nil {
		return nil, nil, err
	}
	blocks, lock := keys.blocks, keys.lock
	seen := map[string]bool{}
	for _, b := range blocks {
		seen[b.Name] = true
		source := b.Source
		if p := lock[b.Name]; source == "" && p != nil && b.Path == "" {
			source = fromLock(keys.path, p.Source)
		}
		if source != "" {
			all = append(all, releaseWanted{b.Name, source, b.Version, ""})
		}
	}
	for _, name := range sortedNames(lock) {
		if p := lock[name]; !seen[name] && p.Source != "" {
			all = append(all, releaseWanted{name: name, source: fromLock(keys.path, p.Source)})
		}
	}
	return all, lock, nil
}

// newest returns the release that is wanted.
func (a *app) newest(ctx context.Context, w releaseWanted) (pluginsource.Release, *pluginsource.Client, error) {
	c := a.downloads()
	releases, err := a.releases(ctx, c, w.source)
	if err != nil {
		return pluginsource.Release{}, nil, err
	}
	r, err := pluginsource.Choose(releases, w.constraint, w.exact)
	if err != nil {
		return r, nil, fmt.Errorf("%s: %w", w.source, err)
	}
	return r, c, nil
}

// releases returns the releases of a source that is not an executable.
func (a *app) releases(ctx context.Context, c *pluginsource.Client, source string) ([]pluginsource.Release, error) {
	if !isLocalRelease(source) {
		return c.Releases(ctx, source)
	}
	path, err := expandHome(source)
	if err != nil {
		return nil, err
	}
	return pluginsource.Local(path)
}

// downloadIdle is how long a download may receive no data; 0: the default.
var DownloadIdle time.Duration

// downloads returns the client for releases.
func (a *app) downloads() *pluginsource.Client {
	c := pluginsource.FromEnv()
	c.Idle = DownloadIdle
	if term.IsTerminal(a.Err) {
		c.Progress = a.progress
	}
	return c
}

// progress shows how much of a file has been downloaded.
func (a *app) progress(file string, done, total int64) {
	if total > 0 {
		_, _ = fmt.Fprintf(a.Err, "\r%s: %d%%", file, 100*done/total)
		if done == total {
			_, _ = fmt.Fprintln(a.Err)
		}
	}
}

// installRelease gets a release, checks it, and installs its executable.
func (a *app) installRelease(ctx context.Context, place installPlace, w releaseWanted) (out lockedPlugin, err error) {
	err = a.withRelease(ctx, place.configured, w, func(executable string, from origin) error {
		out, err = a.installFile(ctx, place, executable, from)
		return err
	})
	return out, err
}

// withRelease gets a release, checks it, and calls a function with its executable.
func (a *app) withRelease(ctx context.Context, configured string, w releaseWanted, do func(executable string, from origin) error) error {
	if isExecutable(w.source) {
		return do(w.source, origin{source: w.source, local: true, name: w.name})
	}
	keys, err := a.signingKeys(configured)
	if err != nil {
		return err
	}
	r, c, err := a.newest(ctx, w)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "aitunnel-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fetched, from, err := fetchRelease(ctx, c, r, w, keys, dir)
	if err != nil {
		return fmt.Errorf("release%s of %s: %w", term.After(" ", r.Version), w.source, err)
	}
	return do(fetched.Executable, from)
}

// fetchRelease downloads the archive of a release and checks it with what is known
// about its plugin. The name of the plugin is that in the archive's name, or else that
// of the executable in it; in the second case, the archive is fetched again if a key
// or checksums are known for that name.
func fetchRelease(ctx context.Context, c *pluginsource.Client, r pluginsource.Release, w releaseWanted, keys signingKeys, dir string) (*pluginsource.Download, origin, error) {
	name := cmp.Or(w.name, r.Plugin(trust.Platform))
	for {
		key, err := keys.of(name)
		if err != nil {
			return nil, origin{}, err
		}
		want := pluginsource.Expected{Platform: trust.Platform, SigningKey: key, Archives: keys.archives(name, r.Version, w)}
		fetched, err := c.Fetch(ctx, r, want, dir)
		if err != nil {
			return nil, origin{}, err
		}
		held, err := pluginhost.NameOf(fetched.Executable)
		switch {
		case err != nil:
			return nil, origin{}, err
		case held == name:
			return fetched, origin{source: w.source, local: isPath(w.source), key: key, archives: fetched.Archives, name: w.name, version: r.Version}, nil
		case name != "":
			return nil, origin{}, fmt.Errorf("the archive of the plugin %q holds %s", name, pluginhost.FileName(held))
		}
		name = held
		if err := os.Remove(fetched.Executable); err != nil {
			return nil, origin{}, err
		}
	}
}

func (a *app) pluginInit(ctx context.Context) error {
	configured, err := config.Find(a.Config)
	if err != nil {
		return err
	}
	all, lock, err := a.sourced(configured)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		a.Say("Nothing to install: neither a plugin block of %s nor the lock file names a source.", configured)
		return a.reportFiles(configured)
	}
	var errs []error
	for _, w := range all {
		if a.isInstalled(configured, w) {
			a.Say("%s %s is installed.", w.name, lock[w.name].Version())
			continue
		}
		if p := lock[w.name]; p != nil && (p.Source == w.source || isFolder(w.source) && (p.Source == "" || p.Source == relativeToLock(a.lockPath(configured), w.source))) {
			w.exact, w.constraint = p.Version(), ""
		}
		errs = append(errs, a.installOne(ctx, configured, w, ""))
	}
	return errors.Join(append(errs, a.reportFiles(configured))...)
}

// reportFiles warns of plugin files that were changed or are missing.
func (a *app) reportFiles(configured string) error {
	return a.WithPlugins(configured, func(h *pluginhost.Host) error {
		for _, problem := range h.Problems(a.DeclaredPlugins(configured)) {
			a.Warn("%s", problem)
		}
		return nil
	})
}

// isInstalled reports whether a plugin is installed, locked, and of an allowed
// version.
func (a *app) isInstalled(configured string, w releaseWanted) (installed bool) {
	_ = a.WithPlugins(configured, func(h *pluginhost.Host) error {
		for _, c := range h.Candidates(a.DeclaredPlugins(configured)) {
			if c.Name == w.name && c.Lock == trust.Locked && c.Reason == "" {
				lock, err := h.ReadLock()
				installed = err == nil && allows(w.constraint, lock[w.name].Version())
			}
		}
		return nil
	})
	return installed
}

func allows(constraint, version string) bool {
	_, err := pluginsource.Choose([]pluginsource.Release{{Version: version}}, constraint, "")
	return err == nil
}

// installOne installs a release and reports that. old is the version that it replaces.
func (a *app) installOne(ctx context.Context, configured string, w releaseWanted, old string) error {
	out, err := a.installRelease(ctx, installPlace{configured: configured}, w)
	if err != nil {
		return within(err, "%s was not installed: %w", w.name, err)
	}
	how := "installed"
	if old != "" {
		how = "upgraded from " + old
	}
	a.Say("%s %s was %s, sha256 %s….", out.Plugin, out.Version, how, out.SHA256[:12])
	return nil
}

func (a *app) pluginUpgrade(ctx context.Context, args []string) error {
	configured, _, err := a.lockPlace()
	if err != nil {
		return err
	}
	all, lock, err := a.sourced(configured)
	if err != nil {
		return err
	}
	var errs []error
	found := false
	for _, w := range all {
		if len(args) > 0 && args[0] != w.name {
			continue
		}
		found = true
		if isPath(w.source) {
			errs = append(errs, a.upgradeLocal(ctx, configured, w, lock))
			continue
		}
		r, _, err := a.newest(ctx, w)
		switch old := lock[w.name]; {
		case err != nil:
			errs = append(errs, err)
		case old != nil && !pluginsource.Newer(r.Version, old.Version()) && a.isInstalled(configured, w):
			if pluginsource.IsArchive(w.source) {
				a.Say("%s %s is what its source has, the archive %s: to install another version, change that address.", w.name, old.Version(), w.source)
				continue
			}
			a.Say("%s %s is the newest version%s.", w.name, old.Version(), term.After(" that the configuration allows: ", w.constraint))
		case old != nil:
			errs = append(errs, a.installOne(ctx, configured, w, old.Version()))
		default:
			errs = append(errs, a.installOne(ctx, configured, w, ""))
		}
	}
	if !found {
		return errors.Join(errors.New("no plugin with a source was found: 'aitunnel plugin install SOURCE' installs one, and the lock file remembers its source"), a.reportFiles(configured))
	}
	return errors.Join(append(errs, a.reportFiles(configured))...)
}

// upgradeLocal installs the release at a path, unless that is locked already or is
// older.
func (a *app) upgradeLocal(ctx context.Context, configured string, w releaseWanted, lock trust.Lock) error {
	old := ""
	if p := lock[w.name]; p != nil {
		old = p.Version()
		if isFolder(w.source) {
			r, _, err := a.newest(ctx, w)
			if err == nil && pluginsource.Newer(old, r.Version) && a.isInstalled(configured, w) {
				a.Say("%s %s is newer than what its source has, %s.", w.name, old, localSource(w.source))
				return nil
			}
		}
		same := false
		err := a.withRelease(ctx, configured, w, func(executable string, _ origin) error {
			is, err := a.inspect(configured, executable)
			same = err == nil && is.SHA256 == p.Platforms[trust.Platform].SHA256
			return err
		})
		if err == nil && same && a.isInstalled(configured, w) {
			a.Say("%s %s is up to date with its source, %s.", w.name, old, localSource(w.source))
			return nil
		}
	}
	return a.installOne(ctx, configured, w, old)
}

// inspect reads an executable without running it.
func (a *app) inspect(configured, path string) (is trust.Executable, err error) {
	path, err = expandHome(path)
	if err != nil {
		return is, err
	}
	err = a.WithPlugins(configured, func(h *pluginhost.Host) error {
		is, err = h.Inspect(path)
		return err
	})
	return is, err
}
