package wire

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// LogPanic writes the stack of a panic to the log, and returns its value with the file
// and line of the plugin's own code. It is for a deferred function that has recovered
// the panic.
func LogPanic(in string, value any) string {
	where := panicPlace()
	slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error(fmt.Sprintf("panic in %s: %v (%s)", in, value, where), "stack", string(debug.Stack()))
	return fmt.Sprintf("%v (%s)", value, where)
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
