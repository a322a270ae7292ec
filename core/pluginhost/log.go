package pluginhost

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
)

// output logs a plugin's output. It is used instead of go-plugin's parser, which panics on a
// line such as {"@message":1}.
type output struct {
	log     hclog.Logger
	onLog   func(level hclog.Level, message string) // receives warnings and errors instead of log; may be nil
	secrets *strings.Replacer                       // hides the values of the plugin block's env
	limit   int                                     // lines per second; 0: none
	now     func() time.Time

	mu      sync.Mutex
	last    string // the last line
	fatal   string // the first line of a crash
	second  int64  // the current second
	lines   int    // in the current second
	rate    int    // lines in the previous second
	dropped uint64 // in total
	missing int    // dropped, but not reported yet

	reported int // lines passed to onLog in the current second
}

func newOutput(log hclog.Logger, env map[string]string, limit int, onLog func(hclog.Level, string)) *output {
	var pairs []string
	for _, value := range env {
		if len(value) >= 4 { // a shorter one is not a secret, and replacing it would garble the log
			pairs = append(pairs, value, "…")
		}
	}
	return &output{log: log, onLog: onLog, secrets: strings.NewReplacer(pairs...), limit: limit, now: time.Now}
}

// lastOutput returns the line that explains best why the process ended, "" if it printed
// nothing.
func (o *output) lastOutput() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fatal != "" {
		return o.fatal
	}
	return o.last
}

// counts returns how many lines per second the plugin prints, and how many were dropped in
// total.
func (o *output) counts() (rate int, dropped uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now().Unix()
	switch o.second {
	case now:
		rate = max(o.rate, o.lines)
	case now - 1:
		rate = o.lines
	}
	return rate, o.dropped
}

// line logs a line at its level. A line without a level is logged at debug level, unless it
// belongs to a crash.
func (o *output) line(line string) {
	line = o.secrets.Replace(line)
	entry := parseLine(line)
	o.redact(&entry)
	entry.message = printable(entry.message, "")
	missing, logged := o.count(line, &entry)
	if missing > 0 {
		o.write(logEntry{level: hclog.Warn, message: fmt.Sprintf("%d lines of its log were dropped: more than %d per second (resources.log_lines in its plugin block)", missing, o.limit)})
	}
	if logged {
		o.write(entry)
	}
}

// count decides whether a line is logged, and at which level. missing is the
// number of dropped lines that should be reported first.
func (o *output) count(line string, entry *logEntry) (missing int, logged bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = entry.message
	if o.fatal == "" && (strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")) {
		o.fatal = entry.message
	}
	if o.fatal != "" && entry.level == hclog.NoLevel {
		entry.level = hclog.Error
	}
	if entry.level == hclog.NoLevel {
		entry.level = hclog.Debug
	}
	if now := o.now().Unix(); now != o.second {
		o.rate = 0
		if now == o.second+1 {
			o.rate = o.lines
		}
		missing, o.missing = o.missing, 0
		o.second, o.lines, o.reported = now, 0, 0
	}
	o.lines++
	if o.limit > 0 && o.lines > o.limit {
		o.missing++
		o.dropped++
		return missing, false
	}
	return missing, true
}

func (o *output) write(e logEntry) {
	if o.onLog == nil || e.level < hclog.Warn || !o.mayReport() {
		o.log.Log(e.level, e.message, e.args...)
		return
	}
	o.onLog(e.level, e.text()) // which logs it too
	if stack := e.multiline(); len(stack) > 0 {
		o.log.Log(e.level, e.message, stack...)
	}
}

// mayReport limits how many lines become events, so that a plugin cannot displace all other
// events in the list of recent ones.
func (o *output) mayReport() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reported++
	return o.reported <= maxReports
}

// maxReports is how many warnings and errors per second become events.
const maxReports = 5

// printable escapes characters that could move a terminal's cursor or forge a line of the
// log, except those in keep.
func printable(s, keep string) string {
	plain := func(r rune) bool {
		return unicode.IsPrint(r) && r != utf8.RuneError || r == '\t' || strings.ContainsRune(keep, r)
	}
	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if plain(r) {
			b.WriteString(s[:size])
		} else {
			b.WriteString(strings.Trim(strconv.QuoteToASCII(s[:size]), `"`))
		}
		s = s[size:]
	}
	return b.String()
}

// redact removes secrets that were escaped in the JSON.
func (o *output) redact(e *logEntry) {
	e.message = o.secrets.Replace(e.message)
	for i, arg := range e.args {
		if s, ok := arg.(string); ok {
			e.args[i] = printable(o.secrets.Replace(s), "\n")
		}
	}
}

type logEntry struct {
	level   hclog.Level // NoLevel: the line has none
	message string
	args    []any
}

// text returns the entry in one line, without multiline values.
func (e logEntry) text() string {
	text := e.message
	for i := 0; i+1 < len(e.args); i += 2 {
		if value := fmt.Sprint(e.args[i+1]); !strings.Contains(value, "\n") {
			text += fmt.Sprintf(" %s=%s", printable(fmt.Sprint(e.args[i]), ""), printable(value, ""))
		}
	}
	return text
}

// multiline returns the fields with multiline values, such as a stack.
func (e logEntry) multiline() (args []any) {
	for i := 0; i+1 < len(e.args); i += 2 {
		if strings.Contains(fmt.Sprint(e.args[i+1]), "\n") {
			args = append(args, e.args[i], e.args[i+1])
		}
	}
	return args
}

var (
	// plainLevel matches lines that slog's default handler writes through package log.
	plainLevel = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)? (DEBUG|INFO|WARN|ERROR)(?:[+-]\d+)? `)
	})
	textLevel = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?:^|\s)(?:level=|\[)(TRACE|DEBUG|INFO|WARN|ERROR)(?:[+-]\d+)?(?:\s*\]|\s|$)`)
	})
	// bracketLevel matches messages that libraries write through package log.
	bracketLevel = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\[(TRACE|DEBUG|INFO|WARN|ERROR)\]\s+`) })
	levelNames   = []string{"@level", "level"}
	textNames    = []string{"@message", "msg", "message"}
	// ownFields are fields that the host's log has itself.
	ownFields = []string{"@level", "level", "@message", "msg", "@timestamp", "time", "@module"}
)

// parseLine parses a line of hclog, slog or log, in JSON or text.
func parseLine(line string) logEntry {
	var fields map[string]any
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &fields) != nil {
		entry := logEntry{message: line}
		if m := plainLevel().FindStringSubmatch(line); m != nil {
			entry.level, entry.message = parseLevel(m[1]), line[len(m[0]):]
		} else if m := textLevel().FindStringSubmatch(line); m != nil {
			entry.level = parseLevel(m[1])
		}
		return entry
	}
	entry := logEntry{level: parseLevel(firstString(fields, levelNames)), message: firstString(fields, textNames)}
	if m := bracketLevel().FindStringSubmatch(entry.message); m != nil {
		entry.level, entry.message = parseLevel(m[1]), entry.message[len(m[0]):]
	}
	if entry.message == "" {
		return logEntry{level: entry.level, message: line}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(ownFields, name) {
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

// parseLevel parses a level. slog writes intermediate levels as "INFO+2".
func parseLevel(s string) hclog.Level {
	name, _, _ := strings.Cut(strings.Split(s, "+")[0], "-")
	return hclog.LevelFromString(name)
}
