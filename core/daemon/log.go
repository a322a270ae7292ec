package daemon

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/bind"
	"github.com/aitunnel/aitunnel/core/event"
)

// useLog applies the configuration of the log.
func (d *Daemon) useLog(c config.Log) error {
	if err := d.sink.Use(c); err != nil {
		return &bind.SettingError{Setting: "log.file", Err: err}
	}
	return nil
}

// logDropped reports log lines that could not be written.
func (d *Daemon) logDropped(lines uint64, why error) {
	d.parts.Bus.Publish(event.Event{Type: event.TypeLog, Level: event.LevelWarn, Message: fmt.Sprintf("%d lines of the log were lost: %s", lines, why)})
}

// logEvent writes an event to the log: an answered request at debug level, anything
// that needs attention as a warning.
func (d *Daemon) logEvent(e event.Event) {
	level := hclog.LevelFromString(string(e.Level))
	if e.Type == event.TypeRequest && e.Level == event.LevelInfo {
		level = hclog.Debug
	}
	if e.Request != nil && e.Request.Status == http.StatusUnauthorized && len(e.Request.Attempts) == 0 {
		d.logRefusedToken(e.Request)
	}
	if !d.sink.Enabled(level) {
		return
	}
	args := []any{}
	for _, f := range [][2]string{{"channel", e.Channel}, {"key", d.keyName(e.Channel, e.Key)}, {"plugin", e.Plugin}} {
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

// refusedTokens counts requests without a valid token, of which one per minute is
// logged.
type refusedTokens struct {
	mu       sync.Mutex
	logged   time.Time
	unlogged int // since the last one that was logged
}

// refusedTokenInterval is the minimum time between two log lines about refused tokens.
const refusedTokenInterval = time.Minute

// next counts a refused request. It reports whether to log it, and how many were not
// logged since the last one.
func (r *refusedTokens) next(now time.Time) (unlogged int, log bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.logged.IsZero() && now.Sub(r.logged) < refusedTokenInterval {
		r.unlogged++
		return 0, false
	}
	unlogged, r.unlogged, r.logged = r.unlogged, 0, now
	return unlogged, true
}

// logRefusedToken logs a request whose token is missing or wrong, at most once a
// minute: a misconfigured client, or an attacker, may send very many.
func (d *Daemon) logRefusedToken(r *event.Request) {
	unlogged, log := d.refused.next(time.Now())
	if !log {
		return
	}
	args := []any{"id", r.ID}
	if r.Entry != "" {
		args = append(args, "tunnel", r.Entry)
	}
	if unlogged > 0 {
		args = append(args, "not_logged", unlogged)
	}
	d.log.Named(string(event.TypeRequest)).Warn(fmt.Sprintf("%s %s refused with 401: the client token is missing or wrong", r.Method, r.Path), args...)
}
