package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/pluginsource"
)

func (a *app) pluginOutdatedCommand() *cobra.Command {
	asJSON := false
	return jsonFlag(&cobra.Command{
		Use:     "outdated",
		Short:   "List plugins that have newer versions",
		Long:    "List the plugins whose source has a newer version than the lock file: what is\nlocked, the newest that the version of the plugin's block allows, and the newest.\nNothing is changed; 'plugin upgrade' installs them.",
		Example: "  aitunnel plugin outdated",
		Args:    noArgs,
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

// incomparable says why a source has no newer versions, "" if it may have.
func incomparable(w releaseWanted) string {
	switch {
	case isPath(w.source) && !isFolder(w.source):
		return fmt.Sprintf("%s comes from %s: 'aitunnel plugin upgrade %s' installs it again if it was changed.", w.name, localSource(w.source), w.name)
	case pluginsource.IsArchive(w.source):
		return fmt.Sprintf("%s comes from one archive, %s: to install another version, change that address.", w.name, w.source)
	}
	return ""
}

func (a *app) pluginOutdated(ctx context.Context, asJSON bool) error {
	configured, _, err := a.lockPlace()
	if err != nil {
		return err
	}
	all, lock, err := a.sourced(configured)
	if err != nil {
		return err
	}
	out, errs, notes := []outdatedPlugin{}, []error{}, []string{}
	for _, w := range all {
		if why := incomparable(w); why != "" {
			notes = append(notes, why)
			continue
		}
		releases, err := a.releases(ctx, a.downloads(), w.source)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		o := outdatedPlugin{Plugin: w.name, Newest: releases[0].Version, Source: w.source}
		if p := lock[w.name]; p != nil {
			o.Locked = p.Version()
		}
		if r, err := pluginsource.Choose(releases, w.constraint, ""); err == nil {
			o.Allowed = r.Version
		}
		if o.Locked != o.Newest {
			out = append(out, o)
		}
	}
	errs = append(errs, a.reportFiles(configured))
	if asJSON {
		return errors.Join(append(errs, a.printJSON(out))...)
	}
	for _, note := range notes {
		a.say("%s", note)
	}
	if len(all) > 0 && len(notes) == len(all) {
		return errors.Join(errs...)
	}
	if len(all) == 0 {
		a.say("No plugin comes from a release, so there is nothing to compare: set source in its plugin block, or install it from one.")
		return errors.Join(errs...)
	}
	if len(out) == 0 && errors.Join(errs...) == nil {
		a.say("All plugins are up to date.")
		return nil
	}
	t := term.NewTable(a.paint(), "PLUGIN", "LOCKED", "ALLOWED", "NEWEST", "SOURCE")
	for _, o := range out {
		t.Row(o.Plugin, cmp.Or(o.Locked, "-"), cmp.Or(o.Allowed, "none"), o.Newest, o.Source)
	}
	errs = append(errs, t.Write(a.out))
	if slices.ContainsFunc(out, func(o outdatedPlugin) bool { return o.Allowed != "" && o.Allowed != o.Locked }) {
		a.say("\nInstall the allowed versions with: aitunnel plugin upgrade")
	}
	if slices.ContainsFunc(out, func(o outdatedPlugin) bool { return o.Allowed != o.Newest }) {
		a.say("\nThe newest version is not allowed by the version of a plugin block.")
	}
	return errors.Join(errs...)
}
