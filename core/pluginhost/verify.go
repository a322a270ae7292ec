package pluginhost

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/trust"
)

// Failure is why a plugin cannot be used: it is refused, or its first process
// did not come up.
type Failure struct {
	Path   string // of the executable; "" if there is none
	SHA256 string
	Reason string
	At     time.Time
}

// verify holds an executable against the lock file.
func (h *Host) verify(name, path string) (trust.Executable, error) {
	is, err := h.trust.Verify(name, path)
	if err != nil {
		err = h.refused(name, path, err)
		if h.note(name, path, is.SHA256, err) {
			h.event(Event{Type: EventRefused, Plugin: name, Message: err.Error()})
		}
	}
	return is, err
}

// refused adds which plugin it is about, and which command mends what is wrong.
func (h *Host) refused(name, path string, err error) error {
	var refusal *trust.Refusal
	err = fmt.Errorf("plugin %q (%s) may not run: %w", name, path, err)
	if errors.As(err, &refusal) && refusal.Remedy {
		err = fmt.Errorf("%w; if you trust it, run: aitunnel plugin lock %s%s", err, name, h.configFlag())
	}
	return err
}

// note remembers why a plugin cannot be used, and says whether that is news; a
// nil err forgets it.
func (h *Host) note(name, path, sum string, err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		delete(h.failed, name)
		return false
	}
	last := h.failed[name]
	h.failed[name] = Failure{path, sum, err.Error(), time.Now()}
	return last.Reason != err.Error()
}

// configFlag names the configuration in a command, unless the command finds it
// by itself.
func (h *Host) configFlag() string {
	found, err := config.Find("")
	if err == nil && sameFile(found, h.options.ConfigPath) || h.options.ConfigPath == "" {
		return ""
	}
	return " -c " + config.ShellWord(h.options.ConfigPath)
}

func sameFile(a, b string) bool {
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}
