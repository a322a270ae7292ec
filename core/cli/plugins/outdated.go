package plugins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/pluginsource"
)

func (a *app) pluginOutdatedCommand() *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:     "outdated",
		Short:   "List plugins that have newer versions",
		Long:    "List the plugins whose source has a newer version than the lock file: what is\nlocked, the newest that the version of the plugin's block allows, and the newest.\nNothing is changed; 'plugin upgrade' installs them.",
		Example: "  aitunnel plugin outdated",
		Args:    command.NoArgs,
		RunE:    a.pluginAsService(func(c *cobra.Command, _ []string) error { return a.pluginOutdated(c.Context(), asJSON) }),
	}, &asJSON)
}

// outdatedPlugin is a plugin and its newest versions.
type outdatedPlugin struct {
	Plugin  string `json:"plugin"`
	Locked  string `json:"locked"`
	Allowed string `json:"allowed"` // the newest that the configuration allows
	Newest  string `json:"newest"`
	Source  string `json:"source"`
}

// incomparable returns why a source has no newer versions, "" if it may have.
func incomparable(w releaseWanted) string {
	switch {
	case isPath(w.source) && !isFolder(w.source):
		return fmt.Sprintf("%s comes from %s: 'aitunnel plugin upgrade %s' installs it again if it was changed.", w.name, localSource(w.source), w.name)
	case pluginsource.IsArchive(w.source):
		return fmt.Sprintf("%s comes from one archive, %s: to install another version, change that address.", w.name, w.source)
	}
	return ""
}

// outdated are the plugins with newer versions.
type outdated struct {
	plugins []outdatedPlugin
	sources int      // number of plugins with a source
	notes   []string // about plugins whose source has no newer versions
	errs    []error
}

// findOutdated gets the newest versions of all plugins from their sources.
func (a *app) findOutdated(ctx context.Context, configured string) (outdated, error) {
	all, lock, err := a.sourced(configured)
	if err != nil {
		return outdated{}, err
	}
	out := outdated{plugins: []outdatedPlugin{}, sources: len(all)}
	for _, w := range all {
		if why := incomparable(w); why != "" {
			out.notes = append(out.notes, why)
			continue
		}
		releases, err := a.releases(ctx, a.downloads(), w.source)
		if err != nil {
			out.errs = append(out.errs, err)
			continue
		}
		p := outdatedPlugin{Plugin: w.name, Newest: releases[0].Version, Source: w.source}
		if locked := lock[w.name]; locked != nil {
			p.Locked = locked.Version()
		}
		if r, err := pluginsource.Choose(releases, w.constraint, ""); err == nil {
			p.Allowed = r.Version
		}
		if p.Locked != p.Newest {
			out.plugins = append(out.plugins, p)
		}
	}
	return out, nil
}

func (a *app) pluginOutdated(ctx context.Context, asJSON bool) error {
	configured, _, err := a.lockPlace()
	if err != nil {
		return err
	}
	found, err := a.findOutdated(ctx, configured)
	if err != nil {
		return err
	}
	failed := errors.Join(append(found.errs, a.reportFiles(configured))...)
	if asJSON {
		return errors.Join(failed, a.PrintJSON(found.plugins))
	}
	for _, note := range found.notes {
		a.Say("%s", note)
	}
	switch {
	case found.sources == 0:
		a.Say("No plugin comes from a release, so there is nothing to compare: set source in its plugin block, or install it from one.")
	case len(found.notes) == found.sources:
	case len(found.plugins) == 0 && failed == nil:
		a.Say("All plugins are up to date.")
	default:
		return errors.Join(failed, a.printOutdated(found.plugins))
	}
	return failed
}

// printOutdated prints plugins and their newest versions as a table.
func (a *app) printOutdated(plugins []outdatedPlugin) error {
	t := term.NewTable(a.Paint(), "PLUGIN", "LOCKED", "ALLOWED", "NEWEST", "SOURCE")
	for _, p := range plugins {
		t.Row(p.Plugin, cmp.Or(p.Locked, "-"), cmp.Or(p.Allowed, "none"), p.Newest, p.Source)
	}
	err := t.Write(a.Out)
	if slices.ContainsFunc(plugins, func(p outdatedPlugin) bool { return p.Allowed != "" && p.Allowed != p.Locked }) {
		a.Say("\nInstall the allowed versions with: aitunnel plugin upgrade")
	}
	if slices.ContainsFunc(plugins, func(p outdatedPlugin) bool { return p.Allowed != p.Newest }) {
		a.Say("\nThe newest version is not allowed by the version of a plugin block.")
	}
	return err
}
