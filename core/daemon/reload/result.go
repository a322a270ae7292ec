package reload

import (
	"errors"
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/diff"
	"github.com/aitunnel/aitunnel/core/event"
)

// Result is what a change did, or would do.
type Result struct {
	At         time.Time
	Took       time.Duration
	Cause      Cause
	Generation uint64 // the one in use afterwards
	Changes    []diff.Change
	Effects    []Effect
	Report     config.Report // warnings about the new configuration
}

// Outcome is how a reload ended.
type Outcome struct {
	Result
	Err error // nil if the configuration was applied
}

// ErrStale is the error of a change that expected to replace a generation, or a text,
// that has been replaced since.
var ErrStale = errors.New("the configuration has changed since it was read: read it again")

// EditError says why an edit cannot be made although the configuration is valid.
type EditError struct{ Err error }

func (e *EditError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *EditError) Unwrap() error { return e.Err }

// ConfigError contains the errors or warnings of a configuration.
type ConfigError struct {
	config.Report
	Valid bool // the configuration is valid, but cannot be applied on this machine now, for example because a port is in use
}

func (e *ConfigError) Error() string {
	if e.Valid {
		return "the configuration cannot be applied: " + e.Summary()
	}
	return fmt.Sprintf("the configuration is not valid: %s", e.Summary())
}

// Code returns the code of why a change was not applied; "" for no error.
func Code(err error) string {
	var wrong *ConfigError
	var refused *EditError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrStale):
		return "stale"
	case errors.Is(err, ErrStopping):
		return "stopping"
	case errors.As(err, &refused):
		return "edit_refused"
	case errors.As(err, &wrong) && wrong.Valid:
		return "unavailable"
	case errors.As(err, &wrong):
		return "invalid"
	}
	return "failed"
}

// report publishes the outcome of a change.
func (r *Reloader) report(o Outcome) {
	e := event.Event{Type: event.TypeReload, Level: event.LevelInfo, Code: Code(o.Err)}
	switch {
	case o.Err != nil:
		e.Level = event.LevelError
		e.Message = fmt.Sprintf("not applied, the previous configuration stays in use (%s): %s", o.Cause.Text(), headline(o.Err))
	case len(o.Changes) == 0:
		e.Message = fmt.Sprintf("the configuration has not changed (%s)", o.Cause.Text())
	default:
		e.Message = fmt.Sprintf("generation %d is in use (%s): %s", o.Generation, o.Cause.Text(), summary(o.Changes))
	}
	r.options.Bus.Publish(e)
}

// headline returns an error, or the first error of a configuration, with its place.
func headline(err error) string {
	var wrong *ConfigError
	if !errors.As(err, &wrong) {
		return err.Error()
	}
	for _, d := range wrong.Diagnostics() {
		if d.Severity != "error" {
			continue
		}
		text := d.Summary
		if d.Detail != "" {
			text += ". " + d.Detail
		}
		if d.File != "" {
			text = fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Column, text)
		}
		return text
	}
	return err.Error()
}

func summary(changes []diff.Change) string {
	out := ""
	for i, c := range changes {
		switch {
		case i == 5:
			return fmt.Sprintf("%s and %d more", out, len(changes)-i)
		case i > 0:
			out += ", "
		}
		out += c.String()
	}
	return out
}
