package wire

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// LogPanic writes the stack of a panic to the log, and returns its value with the file
// and line of the plugin's own code. It is for a deferred function that has recovered
// the panic. The same panic is logged as an error once, and later at debug level: the
// host reports that it continues.
func LogPanic(in string, value any) string {
	what := fmt.Sprintf("%v (%s)", value, panicPlace())
	message := fmt.Sprintf("panic in %s: %s", in, what)
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if panics.isNew(message) {
		log.Error(message, "stack", string(debug.Stack()))
	} else {
		log.Debug(message + " (again)")
	}
	return what
}

// maxPanics is how many different panics are told apart.
const maxPanics = 100

// panics are those that this process has logged.
var panics seenPanics

type seenPanics struct {
	mu   sync.Mutex
	seen map[string]bool
}

// isNew reports whether a panic was not logged before.
func (s *seenPanics) isNew(message string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[message] {
		return false
	}
	if s.seen == nil || len(s.seen) == maxPanics {
		s.seen = map[string]bool{}
	}
	s.seen[message] = true
	return true
}

// panicPlace returns the file and line of the plugin's own code that panicked.
func panicPlace() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	own, panicking, first := mainModule(), false, ""
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicking = true
		case !panicking || strings.HasPrefix(f.Function, "runtime."):
		case isOwn(f.Function, own):
			return fmt.Sprintf("at %s:%d", f.File, f.Line)
		case first == "":
			first = fmt.Sprintf("at %s:%d", f.File, f.Line)
		}
		if !more {
			return first
		}
	}
}

func mainModule() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Path
	}
	return ""
}

// isOwn reports whether a function is the plugin's, and not one of the SDK, of the
// standard library, or of another module that the plugin uses.
func isOwn(function, module string) bool {
	const sdk = "github.com/aitunnel/aitunnel/sdk"
	if strings.HasPrefix(function, sdk+".") || strings.HasPrefix(function, sdk+"/wire.") {
		return false
	}
	return strings.HasPrefix(function, "main.") || module != "" && strings.HasPrefix(function, module)
}
