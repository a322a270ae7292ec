package pluginhost

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/trust"
)

// Failure says why a plugin cannot be used: the lock file does not allow it, or its first
// process did not start.
type Failure struct {
	Path   string // of the executable; "" if there is none
	SHA256 string
	Reason string
	At     time.Time
}

// verify checks an executable against the lock file.
func (h *Host) verify(name, path string) (trust.Executable, error) {
	exe, err := h.trust.Verify(name, path)
	if err != nil {
		err = h.explainRefusal(name, path, err)
		if h.recordFailure(name, path, exe.SHA256, err) {
			h.event(Event{Type: EventRefused, Plugin: name, Message: err.Error()})
		}
	}
	return exe, err
}

// explainRefusal adds the plugin and, if it helps, the command to lock it.
func (h *Host) explainRefusal(name, path string, err error) error {
	var refusal *trust.Refusal
	err = fmt.Errorf("plugin %q (%s) may not run: %w", name, path, err)
	if errors.As(err, &refusal) && refusal.Lockable {
		err = fmt.Errorf("%w; if you trust it, run: aitunnel plugin lock %s%s", err, name, h.configFlag())
	}
	return err
}

// recordFailure records why a plugin cannot be used, or with a nil err that it can. It
// reports whether the reason is new.
func (h *Host) recordFailure(name, path, sum string, err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		if _, replaced := h.fallbacks.substitute(name); replaced {
			return false // the reason is still shown
		}
		delete(h.failed, name)
		return false
	}
	last := h.failed[name]
	h.failed[name] = Failure{path, sum, err.Error(), time.Now()}
	return last.Reason != err.Error()
}

// configFlag returns the -c option for commands in messages, "" if they find the
// configuration by themselves.
func (h *Host) configFlag() string {
	found, err := config.Find("")
	if err == nil && sameFile(found, h.options.ConfigPath) || h.options.ConfigPath == "" {
		return ""
	}
	return " -c " + wording.ShellWord(h.options.ConfigPath)
}

func sameFile(a, b string) bool {
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}
