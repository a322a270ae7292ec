package pluginhost

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/trust"
)

// Candidate is an executable that can be a plugin.
type Candidate struct {
	Name   string
	Path   string
	SHA256 string
	Lock   trust.State // "" if the lock file was not checked
	Reason string      // why it is not used; "" if it can be
}

// Candidates returns the executables in the plugin directories and those of plugin blocks,
// each with the reason if it cannot be used.
func (h *Host) Candidates(declared []*config.Plugin) []Candidate {
	out := []Candidate{}
	taken := map[string]string{} // paths by name
	add := func(name, path string) {
		c := h.candidate(name, path)
		if first, shadowed := taken[name]; shadowed && c.Reason == "" {
			c.Reason = first + " takes precedence"
		} else if !shadowed {
			taken[name] = path
		}
		out = append(out, c)
	}
	for _, p := range declared {
		if path, err := h.find(p.Name, p.Path); err == nil {
			add(p.Name, path)
		} else {
			out = append(out, Candidate{Name: p.Name, Path: path, Reason: err.Error()})
			taken[p.Name] = path
		}
	}
	for _, dir := range pluginDirs(h.configDir) {
		for _, name := range installed(dir) {
			path, err := filepath.Abs(filepath.Join(dir, FileName(name)))
			if err == nil && taken[name] != path {
				add(name, path)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Candidate) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// installed returns the names of the plugins in a directory.
func installed(dir string) (names []string) {
	entries, _ := os.ReadDir(dir) // a missing directory has none
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), filePrefix)
		if runtime.GOOS == "windows" {
			var exe bool
			name, exe = strings.CutSuffix(name, ".exe")
			ok = ok && exe
		}
		if ok && isPluginName(name) {
			names = append(names, name)
		}
	}
	return names
}

func (h *Host) candidate(name, path string) Candidate {
	c := Candidate{Name: name, Path: path}
	if err := checkExecutable(path); err != nil {
		c.Reason = err.Error()
		return c
	}
	exe, err := h.trust.Verify(name, path)
	c.SHA256, c.Lock = exe.SHA256, trust.Locked
	if err != nil {
		c.Lock, c.Reason = lockState(err), h.explainRefusal(name, path, err).Error()
		return c
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if f, ok := h.failed[name]; ok && f.SHA256 == c.SHA256 {
		c.Reason = f.Reason
	}
	return c
}

// lockState returns the state of a [trust.Refusal]; "" for other errors.
func lockState(err error) trust.State {
	if refusal := (*trust.Refusal)(nil); errors.As(err, &refusal) {
		return refusal.State
	}
	return ""
}

// Inputs returns the files that determine which executables run, each with its [FileState].
func (h *Host) Inputs(declared []*config.Plugin) map[string]string {
	out := map[string]string{h.trust.LockPath: FileState(h.trust.LockPath)}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.supervisors {
		if v := e.supervisor.Load(); v != nil && !v.launch.spec.builtin() && !v.launch.spec.attach && v.currentRole() != roleDraining {
			out[v.launch.spec.path] = FileState(v.launch.spec.path)
		}
	}
	for name, f := range h.failed {
		paths := []string{f.Path}
		if f.Path == "" { // it may be installed later, in any of the directories
			paths = nil
			for _, dir := range pluginDirs(h.configDir) {
				paths = append(paths, filepath.Join(dir, FileName(name)))
			}
		}
		for _, path := range paths {
			out[path] = FileState(path)
		}
	}
	for _, p := range declared {
		if path, err := h.find(p.Name, p.Path); err == nil {
			out[path] = FileState(path)
		}
	}
	return out
}

// FileState returns a value that changes when a file is replaced or written to, without
// reading it. It is never empty.
func FileState(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "missing"
	}
	return trust.Identity(info)
}
