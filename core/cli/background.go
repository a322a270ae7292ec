package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/daemon/statefile"
	"github.com/aitunnel/aitunnel/core/service"
)

const (
	detachedFlag = "detached" // of start: the process in the background
	startTime    = 2 * time.Minute
	pollTime     = 30 * time.Millisecond
)

// startInBackground starts this program again, detached from the terminal, and returns
// when it is ready or has failed.
func (a *app) startInBackground(ctx context.Context) error {
	path, err := config.Find(a.Config)
	if _, installed := service.InstalledSystem(); err != nil && installed && !a.StateDirGiven && a.Config == "" {
		return errors.New("start runs a proxy of your own, and you have no configuration: write one with 'aitunnel init', or name one with --config. The system service is started with 'sudo systemctl start aitunnel'")
	}
	if err != nil {
		return err
	}
	if hclfile.IsPipe(path) {
		return fmt.Errorf("%s can be read by this process only: start in the foreground with -f", path)
	}
	if err := a.createStateDir(); err != nil {
		return err
	}
	output, err := os.OpenFile(a.OutputPath(), os.O_CREATE|os.O_TRUNC|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("the state directory cannot be written: %w; choose another with --state-dir", err)
	}
	defer func() { _ = output.Close() }()
	said := output
	if !hasRoom(output) {
		if said, err = os.CreateTemp("", "aitunnel-*.out"); err != nil {
			return fmt.Errorf("the state directory cannot be written, as its disk is full, and messages cannot be kept elsewhere: %w", err)
		}
		defer func() { _, _ = said.Close(), os.Remove(said.Name()) }()
	}
	child := exec.Command(command.Program, append(a.Args, "--"+detachedFlag)...)
	child.Stderr = said
	child.SysProcAttr = detached()
	if child.Env = os.Environ(); bool(term.Colors(a.Err)) {
		child.Env = append(child.Env, "CLICOLOR_FORCE=1")
	}
	if err := child.Start(); err != nil {
		return fmt.Errorf("the background process cannot be started: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait(); close(ended) }()
	s, err := a.awaitReady(ctx, ended, func(s admin.Status) bool { return s.PID == child.Process.Pid })
	explained := a.printOutput(said, 0)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && !explained:
		return fmt.Errorf("the background process ended without a message (%s); see 'aitunnel logs', or start in the foreground with -f", exit)
	case errors.As(err, &exit):
		return command.ExitError(max(exit.ExitCode(), command.ExitFailed))
	case err != nil:
		stopProcess(child.Process, ended)
		return err
	}
	a.PrintAddresses(s.Listen, s.AdminListen)
	a.announceTunnels(ctx, s.Tunnels)
	a.announceNextSteps(s)
	return nil
}

// hasRoom reports whether the disk of an empty file has room for messages.
func hasRoom(f *os.File) bool {
	_, err := f.Write(make([]byte, 4096))
	return errors.Join(err, f.Truncate(0)) == nil
}

// endTime is how long a process may take to stop at once before it is killed.
const endTime = 3 * time.Second

// stopProcess ends a process that is no longer needed.
func stopProcess(p *os.Process, ended <-chan error) {
	stopNow(p)
	select {
	case <-ended: //nolint:errcheck // how it ended does not matter
	case <-time.After(endTime):
		_ = p.Kill()
		<-ended //nolint:errcheck // as above
	}
}

// announceNextSteps prints how to use the program that has just started.
func (a *app) announceNextSteps(s admin.Status) {
	if s.Unedited {
		a.Say("\nNo request can be answered yet: the configuration has only placeholders.\nPut the address of your site and your key into\n  %s\nIt is applied when you save it.", s.Config)
	} else {
		key := "a client token of the configuration"
		if len(s.Clients) > 0 && s.Clients[0].Name == config.ClientAnonymous {
			key = "anything, as the configuration has no client tokens"
		}
		a.Say("\nConnect an app:  aitunnel connect claude-code --write --check  (more: aitunnel connect)\nAny other app:   base URL http://%[1]s, for the OpenAI API http://%[1]s/v1,\n                 and as its API key %[2]s", admin.LocalAddress(s.Listen), key)
	}
	a.Say("\nIt runs in the background. See 'aitunnel status', 'aitunnel logs' and\n'aitunnel panel'; 'aitunnel stop' stops it.")
}

// createStateDir creates the state directory, unless a daemon uses it.
func (a *app) createStateDir() error {
	if err := os.MkdirAll(a.StateDir, 0o700); err != nil {
		return fmt.Errorf("the state directory cannot be created: %w; choose another with --state-dir", err)
	}
	if h := statefile.HolderOf(a.StateDir); h != nil {
		return &statefile.RunningError{Dir: a.StateDir, Holder: *h}
	}
	return nil
}

var errNotReady = fmt.Errorf("the program was not ready within %s and was stopped; see 'aitunnel logs'", startTime)

// awaitReady waits until the daemon for which meant returns true is ready, and returns
// its status.
func (a *app) awaitReady(ctx context.Context, ended <-chan error, meant func(admin.Status) bool) (admin.Status, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, errNotReady)
	defer cancel()
	client := a.Client()
	for {
		s, err := client.Status(ctx)
		if err == nil && meant(s) {
			return s, nil
		}
		select {
		case err := <-ended:
			if err == nil {
				err = errors.New("the program stopped at once")
			}
			return s, err
		case <-ctx.Done():
			return s, context.Cause(ctx)
		case <-time.After(pollTime):
		}
	}
}

// printOutput prints what the daemon wrote from an offset on, and reports whether that is
// anything.
func (a *app) printOutput(output *os.File, from int64) bool {
	if _, err := output.Seek(from, io.SeekStart); err != nil {
		return false
	}
	text, err := io.ReadAll(output)
	if err != nil {
		return false
	}
	if !bool(term.Colors(a.Err)) {
		text = []byte(ansi.Strip(string(text)))
	}
	_, _ = a.Err.Write(text)
	return len(text) > 0
}
