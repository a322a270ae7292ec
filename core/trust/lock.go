// Package trust decides which third-party executables may run: those whose hashes
// are in the lock file next to the configuration. A private copy of the verified bytes
// runs, so that nothing can replace them between the check and the start.
package trust

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
)

// FileName is the name of the lock file, which is next to the configuration.
const FileName = "aitunnel.lock.hcl"

// Platform is the platform of this program, such as "linux/amd64".
const Platform = runtime.GOOS + "/" + runtime.GOARCH

// Lock is the content of a lock file, by plugin.
type Lock map[string]*Plugin

// Plugin is the locked release of a plugin, with the previous one.
type Plugin struct {
	Release
	Source     string   // the repository, address or path of its releases; "": an executable
	SigningKey string   // public key of its signed releases; "" if they are not signed
	Previous   *Release // for a rollback; nil if there is none
}

// Release is one version of a plugin.
type Release struct {
	Archives  map[string]string // SHA-256 of the published archive, by platform
	Platforms map[string]Entry  // the executables, by platform
}

// Entry is one executable.
type Entry struct {
	Version string // "" if unknown
	SHA256  string // in hexadecimal
}

// Version returns the version of the executable for this platform, or else for any.
func (r *Release) Version() string {
	if e, ok := r.Platforms[Platform]; ok {
		return e.Version
	}
	for _, e := range r.Platforms {
		return e.Version
	}
	return ""
}

// Entry returns the executable that is locked for a plugin on a platform.
func (l Lock) Entry(plugin, platform string) (Entry, bool) {
	p := l[plugin]
	if p == nil {
		return Entry{}, false
	}
	e, ok := p.Platforms[platform]
	return e, ok
}

// Set locks an executable. The one that was locked becomes the previous one.
func (l Lock) Set(plugin, platform string, e Entry) {
	p := l.plugin(plugin)
	if old, ok := p.Platforms[platform]; ok && old.SHA256 != e.SHA256 {
		if p.Previous == nil || p.Previous.Version() != old.Version {
			p.Previous = &Release{Archives: p.Archives, Platforms: map[string]Entry{}}
		}
		p.Previous.Platforms[platform] = old
		p.Archives = nil
	}
	p.Platforms[platform] = e
}

// SetLocal locks an executable that was installed from a path. key is the key with which its
// checksums are signed, "" if they are not.
func (l Lock) SetLocal(plugin, key string, e Entry) {
	l.Set(plugin, Platform, e)
	if key != "" {
		l[plugin].SigningKey = key
	}
}

// SetRelease locks an executable of a published release. If another version was locked,
// it becomes the previous one for all platforms.
func (l Lock) SetRelease(plugin, source, key string, archives map[string]string, e Entry) {
	p := l.plugin(plugin)
	if old, ok := p.Platforms[Platform]; ok && old.SHA256 != e.SHA256 || len(p.Platforms) > 0 && p.Version() != e.Version {
		p.Previous = &Release{Archives: p.Archives, Platforms: p.Platforms}
		p.Platforms = map[string]Entry{}
	}
	p.Source, p.Archives = source, archives
	if key != "" { // a known key is never removed
		p.SigningKey = key
	}
	p.Platforms[Platform] = e
}

// RollBack swaps the locked release and the previous one.
func (l Lock) RollBack(plugin string) error {
	p := l[plugin]
	if p == nil || p.Previous == nil {
		return fmt.Errorf("the lock file has no previous version of the plugin %q", plugin)
	}
	if _, ok := p.Previous.Platforms[Platform]; !ok {
		return fmt.Errorf("the lock file has no previous version of the plugin %q for %s", plugin, Platform)
	}
	current := p.Release
	p.Release, p.Previous = *p.Previous, &current
	return nil
}

func (l Lock) plugin(name string) *Plugin {
	if l[name] == nil {
		l[name] = &Plugin{}
	}
	if l[name].Platforms == nil {
		l[name].Platforms = map[string]Entry{}
	}
	return l[name]
}

// clone returns a deep copy.
func (l Lock) clone() Lock {
	out := Lock{}
	for name, p := range l {
		c := *p
		c.Archives, c.Platforms = maps.Clone(p.Archives), maps.Clone(p.Platforms)
		if p.Previous != nil {
			c.Previous = &Release{maps.Clone(p.Previous.Archives), maps.Clone(p.Previous.Platforms)}
		}
		out[name] = &c
	}
	return out
}

// hashes returns the set of hashes of all executables that may run on this platform, now
// or after a rollback.
func (l Lock) hashes() map[string]bool {
	out := map[string]bool{}
	for _, p := range l {
		out[p.Platforms[Platform].SHA256] = true
		if p.Previous != nil {
			out[p.Previous.Platforms[Platform].SHA256] = true
		}
	}
	return out
}

// ReadLock reads a lock file. A missing one is empty.
func ReadLock(path string) (Lock, error) {
	text, err := readLock(path)
	if err != nil {
		return nil, err
	}
	lock, _, err := parseLock(path, text)
	return lock, err
}

func readLock(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, &LockError{Path: path, Reason: "cannot be read: " + err.Error()}
	}
	return text, nil
}

// LockError says why a lock file cannot be used. No plugin may run then.
type LockError struct {
	Path   string
	Line   int // 0: the file as a whole
	Reason string
}

func (e *LockError) Error() string {
	place := e.Path
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d", e.Path, e.Line)
	}
	return fmt.Sprintf("the lock file %s %s", place, e.Reason)
}
