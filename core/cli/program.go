package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// program is the path by which this program was started. Links are not followed,
// so after an upgrade it names the new version, and after a move of the old file
// not the old one.
var program = programPath()

func programPath() string {
	path, err := exec.LookPath(os.Args[0])
	if err == nil || errors.Is(err, exec.ErrDot) {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		path, _ = os.Executable() // started by a name that is none
	}
	return path
}

// checkTime bounds the trial of the program that a restart would start.
const checkTime = 30 * time.Second

// checkRestart tries the program as it is on disk: whether it runs, and whether
// it accepts the configuration. Nothing has been stopped yet.
func (a *app) checkRestart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	var is struct {
		Version string `json:"version"`
	}
	out, err := a.trial(ctx, "version", "--json")
	if err == nil {
		err = json.Unmarshal(out, &is)
	}
	if err != nil || is.Version == "" {
		return fmt.Errorf("nothing was restarted: %s is not an aitunnel that runs here: %w", program, trialError(out, err))
	}
	args := []string{"validate", "--state-dir", a.stateDir}
	if a.config != "" {
		args = append(args, "--config", a.config)
	}
	for name, value := range a.vars {
		args = append(args, "--var", name+"="+value)
	}
	if out, err := a.trial(ctx, args...); err != nil {
		return fmt.Errorf("nothing was restarted: version %s does not accept the configuration: %w", is.Version, trialError(out, err))
	}
	return nil
}

func (a *app) trial(ctx context.Context, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, program, args...)
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "NOTIFY_SOCKET=") })
	c.WaitDelay = time.Second
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil && errs.Len() > 0 {
		out = errs.Bytes()
	}
	return out, err
}

// trialError is an error with what the program printed.
func trialError(out []byte, err error) error {
	if err == nil {
		err = errors.New("it does not say its version")
	}
	if text := strings.TrimSpace(string(out)); text != "" && len(text) < 2000 {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}
