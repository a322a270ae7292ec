package observe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/event"
)

// logOf returns an app whose log file has this text, and its output.
func logOf(t *testing.T, text string) (*app, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	a := &app{Env: &command.Env{StateDir: t.TempDir(), Out: &out, Config: "/nonexistent.hcl"}}
	if err := os.WriteFile(a.LogPath(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return a, &out
}

const logTime = "2026-11-26T18:25:49.123Z"

func TestLastLinesOfALogFile(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 1000 {
		_, _ = fmt.Fprintf(&text, "%s [INFO]  aitunnel.reload: line %d\n", logTime, i+1)
	}
	for lines, want := range map[int]string{0: "", 1: " line 1000\n", 3: " line 998\n line 999\n line 1000\n"} {
		a, out := logOf(t, text.String())
		if err := a.lastLog(t.Context(), logFlags{lines: lines, level: event.LevelInfo}); err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(out.String(), logTime+" [INFO]  aitunnel.reload:", ""); got != want {
			t.Errorf("%d lines: %q, want %q", lines, got, want)
		}
	}
}

// TestFiltersOfALogFile work with both formats of the log, and with lines of any length.
func TestFiltersOfALogFile(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100<<10)
	text := logTime + " [DEBUG] aitunnel.request: GET /v1/models 200: channel=home\n" +
		logTime + " [WARN]  aitunnel.key: rate limited: channel=home key=\"the first\"\n" +
		logTime + " [INFO]  aitunnel.reload: " + long + "\n" +
		`{"@level":"warn","@message":"failed","@module":"aitunnel.health","@timestamp":"2026-11-26T18:25:49.123456Z","channel":"spare"}` + "\n" +
		logTime + " [ERROR] aitunnel: two\n  lines\n"
	for want, f := range map[string]logFlags{
		"rate limited: channel=home key=\"the first\"|" + long + "|failed|two\n  lines": {lines: 10, level: event.LevelInfo},
		"rate limited: channel=home key=\"the first\"|failed|two\n  lines":              {lines: 10, level: event.LevelWarn},
		"failed":       {lines: 10, level: event.LevelInfo, channel: "spare"},
		"two\n  lines": {lines: 1, level: event.LevelInfo},
		"":             {lines: 10, level: event.LevelInfo, channel: "other"},
	} {
		a, out := logOf(t, text)
		f.json = true
		if err := a.lastLog(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		var got []string
		for d := json.NewDecoder(out); d.More(); {
			var e event.Event
			if err := d.Decode(&e); err != nil {
				t.Fatal(err)
			}
			if e.Time.Year() != 2026 {
				t.Errorf("%+v", e)
			}
			got = append(got, e.Message)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%+v: %.300q", f, got)
		}
	}
}

func TestACrashIsReported(t *testing.T) {
	t.Parallel()
	a, out := logOf(t, "the last line\n")
	if err := os.WriteFile(a.OutputPath(), []byte("Warning: a panic: no\npanic: runtime error: index out of range\n\ngoroutine 1 [running]:\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.lastLog(t.Context(), logFlags{lines: 1, level: event.LevelInfo}); err != nil {
		t.Fatal(err)
	}
	if want := "the last line\nThe last run crashed: panic: runtime error: index out of range\nThe trace is in " + a.OutputPath() + "; please report it.\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// TestTheLineOfARequestNamesUnavailableChannels that a fallback replaced.
func TestTheLineOfARequestNamesUnavailableChannels(t *testing.T) {
	r := event.Request{
		PassedOver: []event.PassedOver{{Channel: "main", Why: "no_key", Reason: "401"}},
		Attempts:   []event.Attempt{{Channel: "backup", Status: 200, Verdict: event.VerdictOK, Means: "good", Reason: "a fallback (not available: main)"}},
	}
	if got, want := failureText(r), "main: not available (no key is usable: 401)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r.Attempts = append([]event.Attempt{{Channel: "main", Key: "sk-…cdef~8584", Means: "invalid_key", Error: "401"}, {Channel: "main", Key: "sk-…cdef~d6dc", Means: "quota_spent", Error: "403"}}, r.Attempts...)
	if got := failureText(r); !strings.Contains(got, "main sk-…cdef~8584: 401") || !strings.Contains(got, "main sk-…cdef~d6dc: 403") {
		t.Errorf("the keys are not named: %q", got)
	}
	r.Attempts = r.Attempts[2:]
	r.Attempts[0].Reason = "the highest weight first"
	if got := failureText(r); got != "" {
		t.Errorf("a request to its first channel: %q", got)
	}
}
