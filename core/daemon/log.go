package daemon

import (
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/bind"
	"github.com/aitunnel/aitunnel/core/event"
)

// useLog makes the log what the configuration says.
func (d *Daemon) useLog(c config.Log) error {
	if err := d.sink.Use(c); err != nil {
		return &bind.SettingError{Setting: "log.file", Err: err}
	}
	return nil
}

// logDropped reports lines of the log that could not be written.
func (d *Daemon) logDropped(lines uint64, why error) {
	d.parts.Bus.Publish(event.Event{Type: event.TypeLog, Level: event.LevelWarn, Message: fmt.Sprintf("%d lines of the log were lost: %s", lines, why)})
}

// logEvent writes an event to the log: a request that was answered as a
// detail, what needs attention as a warning.
func (d *Daemon) logEvent(e event.Event) {
	level := hclog.LevelFromString(string(e.Level))
	if e.Type == event.TypeRequest && e.Level == event.LevelInfo {
		level = hclog.Debug
	}
	if !d.sink.Enabled(level) {
		return
	}
	args := []any{}
	for _, f := range [][2]string{{"channel", e.Channel}, {"key", e.Key}, {"plugin", e.Plugin}} {
		if f[1] != "" {
			args = append(args, f[0], f[1])
		}
	}
	message := e.Message
	if r := e.Request; r != nil {
		message = fmt.Sprintf("%s %s %d", r.Method, r.Path, r.Status)
		args = append(args, "id", r.ID, "model", r.Model, "retries", r.Retries, "took", time.Duration(r.Total).Round(time.Millisecond))
		if r.Error != "" {
			args = append(args, "error", r.Error)
		}
	}
	d.log.Named(string(e.Type)).Log(level, message, args...)
}
