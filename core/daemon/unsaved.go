package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/daemon/control"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/daemon/statefile"
)

// How long saving may take before the program ends.
const (
	saveTime        = 10 * time.Second       // before a restart
	stopSaveTime    = 2 * time.Second        // before a stop
	hurriedSaveTime = 500 * time.Millisecond // before an immediate stop
)

// check returns why a restart would fail, or what it would lose: then the program
// keeps running. A stop is not prevented: unsaved is what it will lose.
func (d *Daemon) check(ctx context.Context, e control.Ending) (unsaved string, err error) {
	ctx, cancel := until(ctx, d.life.Done(), reload.ErrStopping)
	defer cancel()
	if !e.Restart {
		if err := d.saveAll(ctx, e); err != nil {
			unsaved = err.Error()
		}
		return unsaved, nil
	}
	d.restartError.Store(nil) // from an earlier restart
	if d.options.BeforeRestart != nil {
		if err := d.options.BeforeRestart(ctx); err != nil {
			return "", err
		}
	}
	if err := d.saveAll(ctx, e); err != nil {
		return "", fmt.Errorf("nothing was restarted: %w", err)
	}
	return "", nil
}

// saveAll saves everything that a new process needs, or returns what would be lost.
func (d *Daemon) saveAll(ctx context.Context, e control.Ending) error {
	limit := saveTime
	switch {
	case !e.Restart && e.Drain == 0:
		limit = hurriedSaveTime
	case !e.Restart:
		limit = stopSaveTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if d.reloader.Running() == nil {
		return nil // nothing has happened yet
	}
	err := errors.Join(d.save.saveNow(ctx), d.history.Flush(ctx))
	if err == nil && e.Restart {
		err = statefile.Probe(d.options.StateDir)
	}
	if err == nil {
		return nil
	}
	text := inOneLine(err)
	if e.Restart {
		text += ". Correct that first, or lose it with " + d.options.StopAndStart
	}
	return errors.New(text)
}

// inOneLine returns the text of joined errors in one line.
func inOneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// unsaved returns what cannot be saved now, and why.
func (d *Daemon) unsaved() []string {
	all := d.save.unsaved()
	if text := d.history.Fault(); text != "" {
		all = append(all, text)
	}
	return all
}
