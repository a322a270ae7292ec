package pluginhost

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/sdk"
)

// Trial is an executable that the user asked to test, whether it is locked or not.
type Trial struct {
	Name       string // as in a configuration
	Executable trust.Executable
	Lock       trust.State
	Started    time.Duration // from exec to its description; 0 if it was not started

	// Description is the plugin's own; zero if the executable is not for this
	// platform.
	Description sdk.Description

	// OwnName is what the plugin calls itself.
	OwnName string

	host *Host
	spec spec
}

// NameOf returns the plugin's name that the name of its executable holds.
func NameOf(path string) (string, error) {
	name, ok := strings.CutPrefix(filepath.Base(path), filePrefix)
	name = strings.TrimSuffix(name, ".exe")
	if !ok || !fileName(name) {
		return "", fmt.Errorf("%s is not called like a plugin: the executable of a plugin NAME is %s", filepath.Base(path), FileName("NAME"))
	}
	return name, nil
}

// CheckName reports why the plugin cannot be installed under its own name.
func (t *Trial) CheckName() error {
	file, err := NameOf(t.Executable.Path)
	switch {
	case t.OwnName == "built-in" || !fileName(t.OwnName):
		return fmt.Errorf("the plugin calls itself %q, which cannot be the name of a plugin", t.OwnName)
	case strings.HasPrefix(t.OwnName, filePrefix):
		return fmt.Errorf("the plugin calls itself %q: its author should drop the prefix %q from its name", t.OwnName, filePrefix)
	case err == nil && file != t.OwnName:
		return fmt.Errorf("the file is called %s, but the plugin in it calls itself %q: rename it to %s if that is the plugin you want", filepath.Base(t.Executable.Path), t.OwnName, FileName(t.OwnName))
	}
	return nil
}

// Inspect reads an executable without running it.
func (h *Host) Inspect(path string) (trust.Executable, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return trust.Executable{}, err
	}
	is, err := h.trust.Inspect(path)
	if err != nil {
		return is, fmt.Errorf("the executable cannot be read: %w", err)
	}
	return is, nil
}

// Try reads the executable and, if it is built for this platform, starts the bytes
// that were read, with the settings of the block if there is one, and gets its
// description.
func (h *Host) Try(ctx context.Context, name, path string, block *config.Plugin) (*Trial, error) {
	is, err := h.Inspect(path)
	if err != nil {
		return nil, err
	}
	path = is.Path
	t := &Trial{Name: name, Executable: is, host: h, Lock: trust.Locked}
	if _, err := h.trust.Verify(name, path); err != nil {
		t.Lock = lockState(err)
	}
	if t.Foreign() {
		return t, nil
	}
	if err := checkExecutable(path); err != nil {
		return nil, err
	}
	started := time.Now()
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) // until the plugin says it
	}
	t.spec = h.specOf(name, block, t.Executable)
	v, err := h.supervisor(ctx, t.spec)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	t.Description = v.description
	v.mu.Unlock()
	t.OwnName = t.Description.Name
	if t.Name == "" {
		t.Name = t.OwnName
	}
	t.Description.Name = t.Name
	t.Started = time.Since(started)
	return t, nil
}

// Foreign reports whether the executable is built for another platform.
func (t *Trial) Foreign() bool {
	return t.Executable.Platform != "" && t.Executable.Platform != trust.Platform
}

// Open is [Host.Open] on the process of the trial.
func (t *Trial) Open(ctx context.Context, c sdk.ComponentDescription, body []byte, probe sdk.Host) (*Instance, error) {
	return t.host.open(ctx, t.spec, c.ID(), sdk.Config{Instance: "trial", Body: body}, probe)
}

// Installed returns where a plugin's executable is installed: beside the configuration,
// or in the user's data directory.
func (h *Host) Installed(name string, user bool) string {
	dirs := pluginDirs(h.configDir)
	dir := dirs[len(dirs)-1]
	if !user {
		dir = filepath.Join(h.configDir, ".aitunnel", "plugins")
	}
	return filepath.Join(dir, FileName(name))
}

// LockPath returns the lock file.
func (h *Host) LockPath() string { return h.trust.LockPath }

// Lock adds the executables to the lock file.
func (h *Host) Lock(trials ...*Trial) error {
	lock, err := trust.ReadLock(h.trust.LockPath)
	if err != nil {
		return err
	}
	for _, t := range trials {
		platform := t.Executable.Platform
		if platform == "" {
			platform = trust.Platform
		}
		lock.Set(t.Name, platform, trust.Entry{Version: t.Description.Version, SHA256: t.Executable.SHA256})
	}
	return h.WriteLock(lock)
}

// ReadLock returns the content of the lock file. It may be changed.
func (h *Host) ReadLock() (trust.Lock, error) { return h.trust.Lock() }

// WriteLock replaces the lock file.
func (h *Host) WriteLock(lock trust.Lock) error {
	if err := os.MkdirAll(filepath.Dir(h.trust.LockPath), 0o700); err != nil {
		return err
	}
	return lock.Write(h.trust.LockPath)
}

// CheckLock reports an executable that was changed after it had been locked.
func (h *Host) CheckLock(name, path string) error {
	_, err := h.trust.Verify(name, path)
	if lockState(err) == trust.Changed {
		return h.explainRefusal(name, path, err)
	}
	return nil
}

// Find returns the executable of an installed plugin; block is nil if none declares it.
func (h *Host) Find(name string, block *config.Plugin) (string, error) {
	own := ""
	if block != nil {
		own = block.Path
	}
	return h.find(name, own)
}
