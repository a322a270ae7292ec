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

// output passes a plugin's log on. go-plugin's own parser does not see it: a line
// such as {"@message":1} makes it panic.
type output struct {
	log     hclog.Logger
	onLog   func(level hclog.Level, message string) // receives warnings and errors too; nil: nobody
	secrets *strings.Replacer                       // hides the values of the plugin block's env
	limit   int                                     // lines a second; 0: none
	now     func() time.Time

	mu      sync.Mutex
	last    string // line
	fatal   string // first line of a crash, once there is one
	second  int64  // that lines are counted in
	lines   int    // in that second
	rate    int    // lines in the second before
	dropped uint64 // in all
	missing int    // dropped and not yet reported

	reported int // lines that became events in that second
}

func newOutput(log hclog.Logger, env map[string]string, limit int, onLog func(hclog.Level, string)) *output {
	var pairs []string
	for _, value := range env {
		if len(value) >= 4 { // a shorter one would garble the log and is no secret
			pairs = append(pairs, value, "…")
		}
	}
	return &output{log: log, onLog: onLog, secrets: strings.NewReplacer(pairs...), limit: limit, now: time.Now}
}

// lastOutput returns the line that best explains the end of the process, "" if it
// printed nothing.
func (o *output) lastOutput() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fatal != "" {
		return o.fatal
	}
	return o.last
}

// counts returns how many lines the plugin prints a second, and how many were
// dropped in all.
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

// line logs one line at the level that it names; one without a level is for
// debugging, unless it belongs to a crash.
func (o *output) line(line string) {
	line = o.secrets.Replace(line)
	entry := parseLine(line)
	o.redact(&entry)
	entry.message = printable(entry.message, "")
	missing, logged := o.count(line, &entry)
	if missing > 0 {
		o.write(logEntry{level: hclog.Warn, message: fmt.Sprintf("%d lines of its log were dropped: more than %d a second (resources.log_lines in its plugin block)", missing, o.limit)})
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
	o.onLog(e.level, e.text()) // which logs it, too
	if stack := e.multiline(); len(stack) > 0 {
		o.log.Log(e.level, e.message, stack...)
	}
}

// mayReport limits how many lines become events, so that a plugin cannot push all
// others out of the list of recent ones.
func (o *output) mayReport() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reported++
	return o.reported <= maxReports
}

// maxReports is how many warnings and errors a second become events.
const maxReports = 5

// printable replaces what could move a terminal's cursor or forge a line of the
// log. Characters in keep are kept.
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

// redact hides the secrets that JSON's escapes hid from the first look.
func (o *output) redact(e *logEntry) {
	e.message = o.secrets.Replace(e.message)
	for i, arg := range e.args {
		if s, ok := arg.(string); ok {
			e.args[i] = printable(o.secrets.Replace(s), "\n")
		}
	}
}

type logEntry struct {
	level   hclog.Level // NoLevel: the line does not say
	message string
	args    []any
}

// text returns the entry in one line, without values of several lines.
func (e logEntry) text() string {
	text := e.message
	for i := 0; i+1 < len(e.args); i += 2 {
		if value := fmt.Sprint(e.args[i+1]); !strings.Contains(value, "\n") {
			text += fmt.Sprintf(" %s=%s", printable(fmt.Sprint(e.args[i]), ""), printable(value, ""))
		}
	}
	return text
}

// multiline returns the fields with values of several lines, such as a stack.
func (e logEntry) multiline() (args []any) {
	for i := 0; i+1 < len(e.args); i += 2 {
		if strings.Contains(fmt.Sprint(e.args[i+1]), "\n") {
			args = append(args, e.args[i], e.args[i+1])
		}
	}
	return args
}

var (
	// plainLevel finds the level in what slog's default handler writes through
	// package log.
	plainLevel = regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)? (DEBUG|INFO|WARN|ERROR)(?:[+-]\d+)? `)
	textLevel  = regexp.MustCompile(`(?:^|\s)(?:level=|\[)(TRACE|DEBUG|INFO|WARN|ERROR)(?:[+-]\d+)?(?:\s*\]|\s|$)`)
	// bracketLevel finds the level in what libraries write to package log, in whatever
	// form that is then logged.
	bracketLevel = regexp.MustCompile(`^\[(TRACE|DEBUG|INFO|WARN|ERROR)\]\s+`)
	levelNames   = []string{"@level", "level"}
	textNames    = []string{"@message", "msg", "message"}
	// ownFields are fields that the host's log has already.
	ownFields = []string{"@level", "level", "@message", "msg", "@timestamp", "time", "@module"}
)

// parseLine reads what hclog, slog and log write, as JSON and as text.
func parseLine(line string) logEntry {
	var fields map[string]any
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &fields) != nil {
		entry := logEntry{message: line}
		if m := plainLevel.FindStringSubmatch(line); m != nil {
			entry.level, entry.message = parseLevel(m[1]), line[len(m[0]):]
		} else if m := textLevel.FindStringSubmatch(line); m != nil {
			entry.level = parseLevel(m[1])
		}
		return entry
	}
	entry := logEntry{level: parseLevel(firstString(fields, levelNames)), message: firstString(fields, textNames)}
	if m := bracketLevel.FindStringSubmatch(entry.message); m != nil {
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

// parseLevel reads a level; slog writes those between its own as "INFO+2".
func parseLevel(s string) hclog.Level {
	name, _, _ := strings.Cut(strings.Split(s, "+")[0], "-")
	return hclog.LevelFromString(name)
}
