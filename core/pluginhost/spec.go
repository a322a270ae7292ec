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

// spec says which process is wanted. Equal keys share a process.
type spec struct {
	name    string // "" for the built-ins
	path    string // where it was found; of a third party's, a verified copy is what runs
	is      trust.Executable
	epoch   int // how often a new process was asked for
	args    []string
	env     map[string]string
	version string // constraint
	attach  bool   // to a process that somebody else has started, to debug it
}

func (s spec) builtin() bool { return s.name == "" }

func (s spec) String() string {
	if s.builtin() {
		return "the built-in plugin"
	}
	return fmt.Sprintf("plugin %q (%s)", s.name, s.source())
}

// source is what the user is told about where it comes from.
func (s spec) source() string {
	switch {
	case s.builtin():
		return "built-in"
	case s.attach:
		return "attached to, for debugging"
	}
	return s.path
}

// key holds secrets of env: it never leaves this process.
func (s spec) key() string {
	parts := append([]string{s.name, s.path, s.version, s.is.SHA256, strconv.Itoa(s.epoch), strconv.FormatBool(s.attach), strconv.Itoa(len(s.args))}, s.args...)
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		parts = append(parts, name+"="+s.env[name])
	}
	return strings.Join(parts, "\x00") // no part of an executable's start can hold that
}

// spec returns the process that a block declares; block is nil if there is none.
func (h *Host) spec(name string, block *config.Plugin) (spec, error) {
	if name == "" {
		return spec{path: h.options.Builtin[0], args: h.options.Builtin[1:], epoch: h.epoch(name)}, nil
	}
	if attaches(name) {
		s := h.specOf(name, block, trust.Executable{})
		s.path, s.args, s.attach = h.options.Builtin[0], h.options.Builtin[1:], true
		return s, nil
	}
	own := ""
	if block != nil {
		own = block.Path
	}
	path, err := h.find(name, own)
	if err != nil {
		h.note(name, path, "", err)
		return spec{}, err
	}
	is, err := h.verify(name, path)
	if err != nil {
		return spec{}, err
	}
	return h.specOf(name, block, is), nil
}

func (h *Host) specOf(name string, block *config.Plugin, is trust.Executable) spec {
	s := spec{name: name, path: is.Path, is: is, epoch: h.epoch(name), env: make(map[string]string)}
	if block == nil {
		return s
	}
	s.args, s.version = block.Args, block.Version
	for name, value := range block.Env {
		s.env[name] = value.Reveal()
	}
	return s
}
