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

// Failure is why a plugin cannot be used: it is refused, or its first process
// did not come up.
type Failure struct {
	Path   string // of the executable; "" if there is none
	SHA256 string
	Reason string
	At     time.Time
}

// verify compares an executable with the lock file.
func (h *Host) verify(name, path string) (trust.Executable, error) {
	is, err := h.trust.Verify(name, path)
	if err != nil {
		err = h.explainRefusal(name, path, err)
		if h.recordFailure(name, path, is.SHA256, err) {
			h.event(Event{Type: EventRefused, Plugin: name, Message: err.Error()})
		}
	}
	return is, err
}

// explainRefusal adds the plugin and the command that fixes it.
func (h *Host) explainRefusal(name, path string, err error) error {
	var refusal *trust.Refusal
	err = fmt.Errorf("plugin %q (%s) may not run: %w", name, path, err)
	if errors.As(err, &refusal) && refusal.Lockable {
		err = fmt.Errorf("%w; if you trust it, run: aitunnel plugin lock %s%s", err, name, h.configFlag())
	}
	return err
}

// recordFailure remembers why a plugin cannot be used, nil that it can. It reports
// whether the reason is new.
func (h *Host) recordFailure(name, path, sum string, err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		if _, replaced := h.substitutes[name]; replaced {
			return false // why is still to be shown
		}
		delete(h.failed, name)
		return false
	}
	last := h.failed[name]
	h.failed[name] = Failure{path, sum, err.Error(), time.Now()}
	return last.Reason != err.Error()
}

// configFlag returns the -c option of a command, "" if the command finds the configuration
// by itself.
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
