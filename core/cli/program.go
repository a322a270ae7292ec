package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/hangup"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/service"
)

// startDir is the directory in which this program was started, as it was given, if
// that contains a link; "" otherwise.
var startDir = linkedDir()

func linkedDir() string {
	named, err := os.Getwd()
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(named); err != nil || real == named {
		return ""
	}
	return named
}

// firstExtraFile is the number of the first of the files that a child inherits.
const firstExtraFile = 3

// handOverVersion is the version of the protocol between two processes in a restart.
// The command version shows it, so that an earlier program is not expected to know it.
const handOverVersion = "1"

// canReplace reports whether a restart can start a new process next to this one. If
// something waits for this very process, it is replaced in place: as the first process
// of a container, on a terminal, and under supervisors other than systemd.
func (a *app) canReplace(f startFlags) bool {
	if !canLaunch || !a.canTakeOver || os.Getpid() == 1 {
		return false
	}
	return os.Getenv("NOTIFY_SOCKET") != "" || f.detached && !service.Managed()
}

// checkTime is the time limit for the trial of the program that a restart would start.
const checkTime = 30 * time.Second

// checkRestart tries the program that is on disk: whether it runs, and whether it
// accepts the configuration. Nothing has been stopped yet.
func (a *app) checkRestart(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, checkTime, fmt.Errorf("it did not answer within %s", checkTime))
	defer cancel()
	var is struct {
		Version  string `json:"version"`
		HandOver string `json:"handover"`
	}
	out, err := a.trial(ctx, nil, "version", "--json")
	if err == nil && (json.Unmarshal(out, &is) != nil || is.Version == "") {
		err = errors.New("it does not print its version")
	}
	if err != nil {
		return fmt.Errorf("nothing was restarted: %s is not an aitunnel that works on this machine: %w", command.Program, trialError(out, err))
	}
	a.canTakeOver = is.HandOver == handOverVersion
	path, err := config.Find(a.Config)
	if err != nil {
		return fmt.Errorf("nothing was restarted: %w", err)
	}
	piped, err := hclfile.PipedFile(path)
	if err != nil {
		return fmt.Errorf("nothing was restarted: %w", err)
	}
	if piped != nil {
		defer func() { _ = piped.Close() }()
	}
	args := append([]string{"validate", "--state-dir", a.StateDir}, a.pathsOfStart()...)
	if len(args) == 3 && a.Config != "" {
		args = append(args, "--config", a.Config)
	}
	for name, value := range a.Vars {
		args = append(args, "--var", name+"="+value)
	}
	if out, err := a.trial(ctx, piped, args...); err != nil {
		return fmt.Errorf("nothing was restarted: version %s does not accept the configuration: %w", is.Version, trialError(out, err))
	}
	return nil
}

// trial runs the program. piped is the configuration if it came from a pipe.
func (a *app) trial(ctx context.Context, piped *os.File, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, command.Program, args...)
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "NOTIFY_SOCKET=") })
	if piped != nil {
		c.ExtraFiles = []*os.File{piped}
		c.Env = append(c.Env, hclfile.PipedVariable(firstExtraFile, piped.Name()))
	}
	c.Dir, c.WaitDelay = startDir, time.Second
	asGroup(c)
	var answer, errs bytes.Buffer
	c.Stdout, c.Stderr = &answer, &errs
	undo := hangup.BeforeExec()
	err := c.Start()
	if undo(); err == nil {
		err = c.Wait()
	}
	out := answer.Bytes()
	if err != nil && errs.Len() > 0 {
		out = errs.Bytes()
	}
	if file := (*fs.PathError)(nil); errors.As(err, &file) {
		err = file.Err // the caller names the program
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return out, err
}

// pathsOfStart returns flags with the absolute paths of the configuration and the state if
// the working directory was removed: the original flags may be relative to it.
func (a *app) pathsOfStart() []string {
	if _, err := os.Getwd(); err == nil || a.startConfig == "" {
		return nil
	}
	return []string{"--config", a.startConfig, "--state-dir", a.StateDir}
}

// trialError returns an error with the output of the program.
func trialError(out []byte, err error) error {
	if text := strings.TrimSpace(string(out)); text != "" && len(text) < 2000 {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}
