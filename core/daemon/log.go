package daemon

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
)

// earlyLog holds what is logged before the configuration says where to.
type earlyLog struct {
	mu   sync.Mutex
	held bytes.Buffer
	to   io.Writer
}

func (l *earlyLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to != nil {
		return l.to.Write(p)
	}
	return l.held.Write(p)
}

func (l *earlyLog) flush(to io.Writer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to != nil {
		return nil
	}
	l.to = to
	_, err := l.held.WriteTo(to)
	return err
}

// openLog begins the log as it is configured.
func (d *Daemon) openLog(c config.Log, early *earlyLog) error {
	out := d.options.LogOutput
	closeLog := func() error { return nil }
	if c.File != "" {
		f, err := os.OpenFile(c.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("log.file: %w", err)
		}
		out, closeLog = f, f.Close
	}
	d.log.SetLevel(hclog.LevelFromString(c.Level))
	d.closeLog = closeLog
	return early.flush(out)
}

// logEvent writes an event to the log: a request that was answered as a
// detail, what needs attention as a warning.
func (d *Daemon) logEvent(e event.Event) {
	level := hclog.LevelFromString(e.Level)
	if e.Type == event.TypeRequest && e.Level == "info" {
		level = hclog.Debug
	}
	if level < d.log.GetLevel() {
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
