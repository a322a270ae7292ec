package pluginhost

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// output passes a plugin's log on. go-plugin's own parser is kept away from
// it, as a line such as {"@message":1} makes that panic.
type output struct {
	log     hclog.Logger
	secrets *strings.Replacer // what the plugin's block put into its environment

	mu    sync.Mutex
	last  string // line
	fatal string // first line of a crash, once there is one
}

func newOutput(log hclog.Logger, env map[string]string) *output {
	var pairs []string
	for _, value := range env {
		if len(value) >= 4 { // a shorter one would garble the log and is no secret
			pairs = append(pairs, value, "…")
		}
	}
	return &output{log: log, secrets: strings.NewReplacer(pairs...)}
}

// lastWords is what best explains the end of the process, "" if nothing was said.
func (o *output) lastWords() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fatal != "" {
		return o.fatal
	}
	return o.last
}

// line logs one line in the level it asks for; a plain one is for debugging,
// unless it belongs to a crash.
func (o *output) line(line string) {
	line = o.secrets.Replace(line)
	entry := parseLine(line)
	o.redact(&entry)
	o.mu.Lock()
	o.last = entry.message
	if o.fatal == "" && (strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")) {
		o.fatal = line
	}
	if o.fatal != "" && entry.level == hclog.NoLevel {
		entry.level = hclog.Error
	}
	o.mu.Unlock()
	if entry.level == hclog.NoLevel {
		entry.level = hclog.Debug
	}
	o.log.Log(entry.level, entry.message, entry.args...)
}

// redact hides what JSON's escapes hid from the first look.
func (o *output) redact(e *logEntry) {
	e.message = o.secrets.Replace(e.message)
	for i, arg := range e.args {
		if s, ok := arg.(string); ok {
			e.args[i] = o.secrets.Replace(s)
		}
	}
}

type logEntry struct {
	level   hclog.Level // NoLevel: the line does not say
	message string
	args    []any
}

var (
	textLevel  = regexp.MustCompile(`(?:^|\s)(?:level=|\[)(TRACE|DEBUG|INFO|WARN|ERROR)(?:[+-]\d+)?(?:\s*\]|\s|$)`)
	levelNames = []string{"@level", "level"}
	textNames  = []string{"@message", "msg", "message"}
	// dropped are fields that the host's log has already.
	dropped = []string{"@level", "level", "@message", "msg", "@timestamp", "time", "@module"}
)

// parseLine understands what hclog and slog write, as JSON and as text.
func parseLine(line string) logEntry {
	var fields map[string]any
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &fields) != nil {
		entry := logEntry{message: line}
		if m := textLevel.FindStringSubmatch(line); m != nil {
			entry.level = parseLevel(m[1])
		}
		return entry
	}
	entry := logEntry{level: parseLevel(firstString(fields, levelNames)), message: firstString(fields, textNames)}
	if entry.message == "" {
		return logEntry{level: entry.level, message: line}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(dropped, name) {
			entry.args = append(entry.args, name, fields[name])
		}
	}
	return entry
}

func firstString(fields map[string]any, names []string) string {
	for _, name := range names {
		if s, ok := fields[name].(string); ok {
			return s
		}
	}
	return ""
}

// parseLevel reads a level; slog writes those between its own as "INFO+2".
func parseLevel(s string) hclog.Level {
	name, _, _ := strings.Cut(strings.Split(s, "+")[0], "-")
	return hclog.LevelFromString(name)
}
