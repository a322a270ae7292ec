package plugins

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/trust"
)

// incompatibleError says that the configuration does not work with a new version of a
// plugin, but works with the current one.
type IncompatibleError struct {
	name, version string
	before        string // the current version, which stays
	cause         error
}

func (e *IncompatibleError) Error() string {
	before := "the current one"
	if e.before != "" {
		before = "version " + e.before
	}
	text := fmt.Sprintf("the configuration does not work with version %s of the plugin %q, only with %s, which stays", e.version, e.name, before)
	if wrong := (*reload.ConfigError)(nil); errors.As(e.cause, &wrong) {
		return text // the report contains the details
	}
	return fmt.Sprintf("%s: %v", text, e.cause)
}

func (e *IncompatibleError) Unwrap() error { return e.cause }

// checkCompatible returns why the configuration would not work with new executables,
// if it works with the locked ones. It also returns the places of the blocks that use
// them.
func (a *app) checkCompatible(ctx context.Context, configured string, h *pluginhost.Host, trials ...*pluginhost.Trial) (usedAt []string, _ error) {
	if isMissing(configured) {
		return nil, nil
	}
	for _, t := range trials {
		places, after := a.tryConfiguration(ctx, configured, t.Name, func(h *pluginhost.Host) {
			for _, other := range trials {
				h.UseUnlocked(other.Name, other.Executable)
			}
		})
		usedAt = append(usedAt, places...)
		if after == nil {
			continue
		}
		lock, err := h.ReadLock()
		if err != nil {
			return usedAt, err
		}
		locked, known := lock.Entry(t.Name, trust.Platform)
		if known && locked.SHA256 == t.Executable.SHA256 {
			a.Warn("the configuration does not work with %s %s: %s", t.Name, t.Description.Version, firstLine(after))
			continue
		}
		_, before := a.tryConfiguration(ctx, configured, t.Name, func(h *pluginhost.Host) {
			for _, other := range trials {
				if e, ok := h.LockedCopy(other.Name); ok {
					h.UseUnlocked(other.Name, e)
				}
			}
		})
		if before == nil {
			return usedAt, &IncompatibleError{t.Name, t.Description.Version, locked.Version, after}
		}
		if !known {
			a.Warn("the configuration does not work yet: %s", firstLine(after))
			continue
		}
		a.Warn("the configuration works neither with %s %s nor with what was used until now: %s%s", t.Name, t.Description.Version, firstLine(after), a.rollbackHint(h, t.Name, locked.Version))
	}
	return usedAt, nil
}

// tryConfiguration tests the configuration with the executables that use selects.
func (a *app) tryConfiguration(ctx context.Context, configured, name string, use func(*pluginhost.Host)) (usedAt []string, err error) {
	failed := a.WithPlugins(configured, func(h *pluginhost.Host) error {
		use(h)
		usedAt, err = daemon.CheckFit(ctx, config.Options{Path: configured, Vars: a.Vars}, h, name)
		return nil
	})
	return usedAt, errors.Join(failed, err)
}

// rollbackHint returns how to go back to the version that a new one replaces, "" if
// there is no copy of it.
func (a *app) rollbackHint(h *pluginhost.Host, name, version string) string {
	if _, ok := h.LockedCopy(name); !ok {
		return ""
	}
	return fmt.Sprintf("\n%s %s was locked until now: 'aitunnel plugin rollback %s' goes back to it. Its copy is in %s.", name, version, name, filepath.Join(a.StateDir, "plugins"))
}
