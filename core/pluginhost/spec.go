package pluginhost

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/trust"
)

// spec describes a process. Specs with equal keys share one.
type spec struct {
	name       string // "" for the built-ins
	path       string // where it was found; third-party plugins run from a verified copy
	executable trust.Executable
	epoch      int // how often a new process was requested
	args       []string
	env        map[string]string
	version    string // constraint
	attach     bool   // to a process that a person has started in a debugger

	memory   uint64 // limit in bytes; 0: none
	logLines int    // limit per second; 0: none
}

func (s spec) builtin() bool { return s.name == "" }

func (s spec) String() string {
	if s.builtin() {
		return "the built-in plugin"
	}
	return fmt.Sprintf("plugin %q (%s)", s.name, s.source())
}

// commandName returns the plugin's name on the command line.
func (s spec) commandName() string {
	if s.builtin() {
		return "built-in"
	}
	return s.name
}

// source returns the origin of the plugin, for display.
func (s spec) source() string {
	switch {
	case s.builtin():
		return "built-in"
	case s.attach:
		return "attached to, for debugging"
	}
	return s.path
}

// key returns the identity of the process. It contains secrets of env, so it must not be
// logged or stored.
func (s spec) key() string {
	parts := append([]string{s.name, s.path, s.version, s.executable.SHA256, strconv.Itoa(s.epoch), strconv.FormatBool(s.attach), fmt.Sprint(s.memory, s.logLines), strconv.Itoa(len(s.args))}, s.args...)
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		parts = append(parts, name+"="+s.env[name])
	}
	return strings.Join(parts, "\x00") // arguments and variables cannot contain this byte
}

// spec returns the process of a plugin; block is nil if it has none.
func (h *Host) spec(name string, block *config.Plugin) (spec, error) {
	if name == "" {
		return spec{path: h.options.Builtin[0], args: h.options.Builtin[1:], epoch: h.epoch(name)}, nil
	}
	if isAttached(name) {
		s := h.specOf(name, block, trust.Executable{})
		s.path, s.args, s.attach = h.options.Builtin[0], h.options.Builtin[1:], true
		return s, nil
	}
	h.rememberSource(block)
	h.mu.Lock()
	tested, ok := h.tested[name]
	h.mu.Unlock()
	if ok {
		return h.specOf(name, block, tested), nil
	}
	own := ""
	if block != nil {
		own = block.Path
	}
	path, err := h.find(name, own)
	if err != nil {
		h.recordFailure(name, path, "", err)
		return spec{}, err
	}
	exe, err := h.verify(name, path)
	if err != nil {
		return spec{}, err
	}
	return h.specOf(name, block, h.fallbacks.executable(name, exe)), nil
}

func (h *Host) specOf(name string, block *config.Plugin, exe trust.Executable) spec {
	s := spec{name: name, path: exe.Path, executable: exe, epoch: h.epoch(name), env: make(map[string]string)}
	limits := config.DefaultResources()
	if block != nil {
		limits = block.Resources
	}
	s.memory, s.logLines = uint64(limits.Memory), limits.LogLines
	if block == nil {
		return s
	}
	s.args, s.version = block.Args, block.Version
	for name, value := range block.Env {
		s.env[name] = value.Plaintext()
	}
	return s
}
