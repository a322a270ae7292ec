package config

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/sdk"
)

// Catalog describes the components that blocks may name. Loading a configuration gets
// their schemas from it; only the catalog may start a process while loading.
type Catalog interface {
	// Component describes the component that ref names: "priority" for a
	// built-in, "acme/bandit" or, where acme has one of that kind only, "acme".
	// plugin is the block that declares it, nil for a built-in or if there is
	// none. The error is an *UnknownComponentError if there is no such component.
	Component(ctx context.Context, kind sdk.Kind, ref string, plugin *Plugin) (ComponentInfo, error)
}

// ComponentInfo describes a component.
type ComponentInfo struct {
	Plugin  string // "" for a built-in
	Name    string
	Version string
	Build   string // identifies the executable and its process
	Doc     string
	Schema  *sdk.Schema

	OnFailure string // the author's recommendation; "": none
}

// ErrNotReady is wrapped by the errors of a [Catalog] about a plugin that the program
// starts without: its blocks cannot be checked yet.
var ErrNotReady = errors.New("the plugin is not ready yet")

// UnknownComponentError says that no component has the name.
type UnknownComponentError struct {
	Kind  sdk.Kind
	Ref   string
	Known []string // names that would be valid

	Installed []string   // components of that name in plugins that are installed
	Others    []string   // all components of that kind in plugins that are installed
	IsA       []sdk.Kind // the kinds of the components that have the name
}

// ofKnownPlugin reports whether the name is, or begins with, the name of a plugin with
// components of the kind.
func (e *UnknownComponentError) ofKnownPlugin() bool {
	plugin, _, _ := strings.Cut(e.Ref, "/")
	return slices.ContainsFunc(slices.Concat(e.Known, e.Others), func(ref string) bool {
		known, _, qualified := strings.Cut(ref, "/")
		return known == plugin && (qualified || slices.Contains(e.Others, ref))
	})
}

func (e *UnknownComponentError) Error() string {
	return fmt.Sprintf("there is no %s named %q", e.Kind, e.Ref)
}
