package daemon

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
)

// logSink is where the log goes: it holds what is logged before the
// configuration says where to, and follows the configuration's changes.
type logSink struct {
	fallback io.Writer // unless the configuration names a file

	mu   sync.Mutex
	to   hclog.SinkAdapter // nil: not known yet
	now  config.Log
	file io.Closer
	held []func(hclog.SinkAdapter)
}

// newLog returns a logger that writes to nothing but the sink.
func newLog(sink *logSink) hclog.Logger {
	log := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "aitunnel", Output: io.Discard, Level: hclog.Off})
	log.RegisterSink(sink)
	return log
}

// Accept is for hclog.
func (l *logSink) Accept(name string, level hclog.Level, msg string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to == nil {
		l.held = append(l.held, func(to hclog.SinkAdapter) { to.Accept(name, level, msg, args...) })
		return
	}
	l.to.Accept(name, level, msg, args...)
}

// open makes the log be as it is configured. After an error it stays as it was.
func (l *logSink) open(c config.Log) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to != nil && l.now == c {
		return nil
	}
	out, file := l.fallback, io.Closer(nil)
	if c.File != "" {
		f, err := os.OpenFile(c.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return &settingError{"log.file", err}
		}
		out, file = f, f
	}
	l.to = hclog.NewSinkAdapter(&hclog.LoggerOptions{Output: out, Level: hclog.LevelFromString(c.Level), JSONFormat: c.Format == "json"})
	if l.file != nil {
		_ = l.file.Close() // it was only appended to
	}
	l.now, l.file = c, file
	for _, say := range l.held {
		say(l.to)
	}
	l.held = nil
	return nil
}

// logs says whether entries of the level are written.
func (l *logSink) logs(level hclog.Level) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to == nil || level >= hclog.LevelFromString(l.now.Level)
}

// close writes what is held still, when the configuration was never read.
func (l *logSink) close() error {
	var err error
	if l.to == nil {
		err = l.open(config.Log{Level: "info"})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		return l.file.Close()
	}
	return err
}

// logEvent writes an event to the log: a request that was answered as a
// detail, what needs attention as a warning.
func (d *Daemon) logEvent(e event.Event) {
	level := hclog.LevelFromString(string(e.Level))
	if e.Type == event.TypeRequest && e.Level == event.LevelInfo {
		level = hclog.Debug
	}
	if !d.sink.logs(level) {
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
