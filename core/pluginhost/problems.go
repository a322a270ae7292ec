package pluginhost

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/trust"
)

// Problems returns problems of the lock file and of the executables in it, such as changed or
// missing ones, including plugins that no block uses.
func (h *Host) Problems(declared []*config.Plugin) []string {
	out := h.trust.Warnings()
	lock, err := h.trust.Lock()
	if err != nil {
		return append(out, err.Error())
	}
	found := map[string]bool{}
	for _, c := range h.Candidates(declared) {
		found[c.Name] = true
		if c.Lock == trust.Changed || c.Lock == trust.OtherPlatform && lock[c.Name] != nil {
			out = append(out, c.Reason)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lock)) {
		if _, locked := lock.Entry(name, trust.Platform); locked && !found[name] {
			out = append(out, h.missing(name, lock[name].Source).Error())
		}
	}
	return out
}

// missingError says that a plugin is locked but not installed.
type missingError struct{ error }

func (e missingError) Is(target error) bool { return target == errNotInstalled }

// IsMissing reports whether a plugin is locked, but its executable does not exist.
func (h *Host) IsMissing(name string) bool {
	_, err := h.Find(name, nil)
	return errors.As(err, &missingError{})
}

// missing returns the error for a locked plugin whose executable does not exist.
func (h *Host) missing(name, source string) error {
	command := "aitunnel plugin install PATH"
	if source != "" {
		command = "aitunnel plugin init"
	}
	return fmt.Errorf("plugin %q is locked, but its executable is missing: restore it, or run: %s%s; if you do not use it any more, run: aitunnel plugin remove %s", name, command, h.configFlag(), name)
}

// notInstalled returns the error for a plugin that is not installed, with how to install it.
func (h *Host) notInstalled(name, file, dirs string) error {
	lock, _ := h.trust.Lock() // a damaged one is reported elsewhere
	if p := lock[name]; p != nil {
		return missingError{h.missing(name, p.Source)}
	}
	how := "if you have it, run: aitunnel plugin install PATH" + h.configFlag()
	if h.sourceOf(name) != "" {
		how = "run: aitunnel plugin init" + h.configFlag()
	}
	return fmt.Errorf("plugin %q is %w: there is no %s in %s; %s", name, errNotInstalled, file, dirs, how)
}

func (h *Host) sourceOf(name string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sources[name]
}

func (h *Host) rememberSource(block *config.Plugin) {
	if block == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sources[block.Name] = block.Source
}
