package observe

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/pluginhost"
)

// MaxLogTail is how much of the end of a log file is read.
const MaxLogTail = 16 << 20

// crashMark matches the beginning of the trace of a crash.
var crashMark = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^(panic|fatal error): .*$`) })

// lastLog prints the end of the log file of the last run, and whether that run
// crashed.
func (a *app) lastLog(ctx context.Context, f logFlags) error {
	if said, err := os.ReadFile(a.OutputPath()); err == nil && !f.json {
		if crash := crashMark().Find(said); crash != nil {
			defer a.Say("The last run crashed: %s\nThe trace is in %s; please report it.", crash, a.OutputPath())
		}
	}
	entries, err := ReadLog(a.lastLogPath(ctx), MaxLogTail)
	if errors.Is(err, os.ErrNotExist) {
		if _, meant := a.ServiceConfigured(a.Config); meant {
			_, _ = fmt.Fprintln(a.Err, "The log of the service is in the journal: journalctl -u aitunnel")
		}
		return nil
	}
	if err != nil {
		return err
	}
	shown := entries[:0]
	for _, e := range entries {
		if f.shows(e.event) {
			shown = append(shown, e)
		}
	}
	for _, e := range shown[max(0, len(shown)-f.lines):] {
		if f.json {
			err = a.printEvent(e.event, true)
		} else {
			_, err = fmt.Fprintln(a.Out, e.text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lastLogPath returns the log file that was written last: that of the configuration,
// or that of the program in the background.
func (a *app) lastLogPath(ctx context.Context) string {
	own := a.LogPath()
	path, err := config.Find(a.Config)
	if u, meant := a.ServiceConfigured(a.Config); meant {
		path, err = u.Config, nil
	}
	if err != nil {
		return own
	}
	configured := ""
	err = a.WithPlugins(path, func(h *pluginhost.Host) error {
		if cfg, report := config.Load(ctx, config.Options{Path: path, Vars: a.Vars, Catalog: h}); !report.HasErrors() {
			configured = cfg.Log.File
		}
		return nil
	})
	info, missing := os.Stat(configured)
	if err != nil || missing != nil || !info.Mode().IsRegular() {
		return own
	}
	if is, err := os.Stat(own); err == nil && is.ModTime().After(info.ModTime()) {
		return own
	}
	return configured
}

// logEntry is an entry of a log file, with the lines that follow it.
type logEntry struct {
	event event.Event
	text  string
}

// ReadLog reads at most so many bytes at the end of a log file. It reads no devices, which
// may have no end, and no pipes, which have another reader.
func ReadLog(path string, most int64) (out []logEntry, err error) {
	if info, err := os.Stat(path); hclfile.IsOfProcess(path) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	lines := bufio.NewReader(f)
	if info.Size() > most {
		if _, err := f.Seek(-most, io.SeekEnd); err != nil {
			return nil, err
		}
		if _, err := lines.ReadString('\n'); err != nil { // skip the rest of a line
			return nil, err
		}
	}
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			e, ok := parseLogLine(line)
			switch {
			case ok:
				out = append(out, logEntry{e, line})
			case len(out) == 0:
				out = append(out, logEntry{event.Event{Level: event.LevelInfo, Message: line}, line})
			default:
				out[len(out)-1].text += "\n" + line
				out[len(out)-1].event.Message += "\n" + line
			}
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
	}
}

// logLine is a line of the log as text: time, level, module, message.
var logLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\S+) \[(TRACE|DEBUG|INFO|WARN|ERROR)\] +aitunnel(?:\.([\w.-]+))?: (.*)$`)
})

// logField is a field after the message of such a line.
var logField = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:: | )(channel|key|plugin)=("(?:[^"\\]|\\.)*"|\S+)`)
})

// parseLogLine returns the event of a line of the log; ok is false if no entry begins
// on the line.
func parseLogLine(line string) (e event.Event, ok bool) {
	fields := map[string]string{}
	level, module := "", ""
	var at time.Time
	if strings.HasPrefix(line, "{") {
		var values map[string]any
		if json.Unmarshal([]byte(line), &values) != nil {
			return e, false
		}
		for name, v := range values {
			fields[name] = fmt.Sprint(v)
		}
		e.Message, level, module = fields["@message"], fields["@level"], strings.TrimPrefix(strings.TrimPrefix(fields["@module"], "aitunnel"), ".")
		at, _ = time.Parse("2006-01-02T15:04:05.000000Z07:00", fields["@timestamp"])
	} else {
		m := logLine().FindStringSubmatch(line)
		if m == nil {
			return e, false
		}
		at, _ = time.Parse("2006-01-02T15:04:05.000Z0700", m[1])
		level, module, e.Message = strings.ToLower(m[2]), m[3], m[4]
		for _, f := range logField().FindAllStringSubmatch(m[4], -1) {
			fields[f[1]] = strings.Trim(f[2], `"`)
		}
	}
	e.Time, e.Level, e.Type = at, event.Level(level), event.Type(module)
	e.Channel, e.Key, e.Plugin = fields["channel"], fields["key"], fields["plugin"]
	return e, true
}
