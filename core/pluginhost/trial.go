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

// Trial is a test of an executable, whether it is locked or not.
type Trial struct {
	Name       string // as in a configuration
	Executable trust.Executable
	Lock       trust.State
	Started    time.Duration // from exec to its description; 0 if it was not started

	// Description is the description of the plugin; zero if the executable is for another
	// platform.
	Description sdk.Description

	// OwnName is the name in the plugin's own description.
	OwnName string

	host *Host
	spec spec
}

// NameOf returns the name of the plugin in the file name of its executable.
func NameOf(path string) (string, error) {
	name, ok := strings.CutPrefix(filepath.Base(path), filePrefix)
	name = strings.TrimSuffix(name, ".exe")
	if !ok || !isPluginName(name) {
		return "", fmt.Errorf("%s is not the file name of a plugin: the executable of a plugin NAME is called %s", filepath.Base(path), FileName("NAME"))
	}
	return name, nil
}

// CheckName returns an error if the plugin cannot be installed under its own name.
func (t *Trial) CheckName() error {
	file, err := NameOf(t.Executable.Path)
	switch {
	case t.OwnName == "built-in" || !isPluginName(t.OwnName):
		return fmt.Errorf("the plugin calls itself %q, which cannot be the name of a plugin", t.OwnName)
	case strings.HasPrefix(t.OwnName, filePrefix):
		return fmt.Errorf("the plugin calls itself %q: its author should drop the prefix %q from its name", t.OwnName, filePrefix)
	case err == nil && file != t.OwnName:
		return fmt.Errorf("the file is called %s, but the plugin in it calls itself %q: rename it to %s if that is the plugin you want", filepath.Base(t.Executable.Path), t.OwnName, FileName(t.OwnName))
	}
	return nil
}

// Inspect returns hash and platform of an executable without running it.
func (h *Host) Inspect(path string) (trust.Executable, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return trust.Executable{}, err
	}
	exe, err := h.trust.Inspect(path)
	if err != nil {
		return exe, fmt.Errorf("the executable cannot be read: %w", err)
	}
	return exe, nil
}

// Try inspects an executable and, if it is built for this platform, starts exactly the bytes
// that were inspected, with the settings of the block if it is not nil, and gets its
// description.
func (h *Host) Try(ctx context.Context, name, path string, block *config.Plugin) (*Trial, error) {
	exe, err := h.Inspect(path)
	if err != nil {
		return nil, err
	}
	path = exe.Path
	t := &Trial{Name: name, Executable: exe, host: h, Lock: trust.Locked}
	if _, err := h.trust.Verify(name, path); err != nil {
		t.Lock = lockState(err)
	}
	if t.ForOtherPlatform() {
		return t, nil
	}
	if err := checkExecutable(path); err != nil {
		return nil, err
	}
	started := time.Now()
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) // until its description is known
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

// ForOtherPlatform reports whether the executable is built for another platform.
func (t *Trial) ForOtherPlatform() bool {
	return t.Executable.Platform != "" && t.Executable.Platform != trust.Platform
}

// Open is [Host.Open] for the process of the trial.
func (t *Trial) Open(ctx context.Context, c sdk.ComponentDescription, body []byte, probe sdk.Host) (*Instance, error) {
	return t.host.open(ctx, t.spec, c.ID(), sdk.Config{Instance: "trial", Body: body}, probe)
}

// InstallPath returns the path at which a plugin's executable is installed: in the directory
// of the configuration, or in the user's data directory.
func (h *Host) InstallPath(name string, user bool) string {
	dirs := pluginDirs(h.configDir)
	dir := dirs[len(dirs)-1]
	if !user {
		dir = filepath.Join(h.configDir, ".aitunnel", "plugins")
	}
	return filepath.Join(dir, FileName(name))
}

// LockPath returns the path of the lock file.
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

// ReadLock returns the content of the lock file. The caller may change it.
func (h *Host) ReadLock() (trust.Lock, error) { return h.trust.Lock() }

// WriteLock replaces the lock file.
func (h *Host) WriteLock(lock trust.Lock) error {
	if err := os.MkdirAll(filepath.Dir(h.trust.LockPath), 0o700); err != nil {
		return err
	}
	return lock.Write(h.trust.LockPath)
}

// CheckLock returns an error if an executable has changed since it was locked.
func (h *Host) CheckLock(name, path string) error {
	_, err := h.trust.Verify(name, path)
	if lockState(err) == trust.Changed {
		return h.explainRefusal(name, path, err)
	}
	return nil
}

// Find returns the path of an installed plugin's executable; block is nil if it has none.
func (h *Host) Find(name string, block *config.Plugin) (string, error) {
	own := ""
	if block != nil {
		own = block.Path
	}
	return h.find(name, own)
}
