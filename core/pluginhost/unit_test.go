package pluginhost

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestLogLines(t *testing.T) {
	for _, test := range []struct {
		line, message string
		level         hclog.Level
		args          []any
	}{
		{`plain`, "plain", hclog.NoLevel, nil},
		{`{"@level":"warn","@message":"m","@module":"x","@timestamp":"t","k":"v","a":[1]}`, "m", hclog.Warn, []any{"a", []any{1.0}, "k", "v"}},
		{`{"time":"t","level":"ERROR","msg":"m"}`, "m", hclog.Error, nil},
		{`{"level":"INFO","msg":"[DEBUG] plugin: m"}`, "plugin: m", hclog.Debug, nil},
		{`{"level":"INFO+2","msg":"m"}`, "m", hclog.Info, nil},
		{`{"level":"DEBUG-4","msg":"m"}`, "m", hclog.Debug, nil},
		{`time=t level=WARN msg="m n" k=v`, `time=t level=WARN msg="m n" k=v`, hclog.Warn, nil},
		{`2026-11-23T12:00:00Z [ERROR] name: m`, `2026-11-23T12:00:00Z [ERROR] name: m`, hclog.Error, nil},
		{`[INFO]  name: m`, `[INFO]  name: m`, hclog.Info, nil},
		{`2026/11/26 21:00:00 WARN out of tea n=1`, `out of tea n=1`, hclog.Warn, nil},
		{`2026/11/26 21:00:00 plain`, `2026/11/26 21:00:00 plain`, hclog.NoLevel, nil},
		{`{"@message":1}`, `{"@message":1}`, hclog.NoLevel, nil},
		{`{"@level":[],"@timestamp":{}}`, `{"@level":[],"@timestamp":{}}`, hclog.NoLevel, nil},
		{`{"@message":`, `{"@message":`, hclog.NoLevel, nil},
		{`[]`, `[]`, hclog.NoLevel, nil},
	} {
		got := parseLine(test.line)
		if got.message != test.message || got.level != test.level || fmt.Sprint(got.args) != fmt.Sprint(test.args) {
			t.Errorf("%s: %+v", test.line, got)
		}
	}
}

func TestLastOutput(t *testing.T) {
	out := newOutput(hclog.NewNullLogger(), nil, 0, nil)
	if got := withLastOutput(errUnresponsive, out); !errors.Is(got, errUnresponsive) {
		t.Error(got)
	}
	for _, line := range []string{"a", "b"} {
		out.line(line)
	}
	if got := out.lastOutput(); got != "b" {
		t.Error(got)
	}
	for _, line := range []string{"panic: out of tea", "", "goroutine 1 [running]:", "exit status 2"} {
		out.line(line)
	}
	if got := out.lastOutput(); got != "panic: out of tea" {
		t.Error(got)
	}
}

func TestLines(t *testing.T) {
	var got []string
	l := &lines{handle: func(line string) { got = append(got, line) }}
	long := strings.Repeat("y", 3*maxLine)
	text := "one\r\n\ntwo\n" + long + "\nthree"
	for part := range slices.Chunk([]byte(text), 7) { // in pieces, as from a pipe
		if n, err := l.Write(part); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	l.flush()
	if want := []string{"one", "two", long[:maxLine] + "…", "three"}; !slices.Equal(got, want) {
		t.Errorf("%d lines: %.50q", len(got), got)
	}
	if cap(l.buf) > 2*maxLine {
		t.Errorf("the buffer grew to %d bytes", cap(l.buf))
	}
}

func TestBackoff(t *testing.T) {
	c := crashes{timing: Timing{Crashes: 100}.withDefaults()}
	now := time.Now()
	pause := func(life time.Duration) time.Duration {
		now = now.Add(life)
		d, ok := c.add(now, life)
		if !ok {
			t.Fatal("quarantined")
		}
		return d
	}
	near := func(got, want time.Duration) {
		t.Helper()
		if got < want*8/10 || got > want*12/10 {
			t.Errorf("backoff of %s, want about %s", got, want)
		}
	}
	for _, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second} {
		near(pause(time.Second), want)
	}
	for range 10 {
		pause(time.Second)
	}
	near(pause(time.Second), time.Minute)
	near(pause(time.Minute), 500*time.Millisecond)
	near(pause(time.Second), time.Second)
}

func TestQuarantineAfterCrashes(t *testing.T) {
	for life, want := range map[time.Duration]int{
		time.Second:      5, // crashes until quarantine
		20 * time.Second: 5,
		29 * time.Second: 5,
		40 * time.Second: 0, // never more than four within two minutes
		time.Hour:        0,
	} {
		c := crashes{timing: Timing{}.withDefaults()}
		now, got := time.Now(), 0
		for n := 1; n <= 20 && got == 0; n++ {
			now = now.Add(life)
			if _, ok := c.add(now, life); !ok {
				got = n
			}
		}
		if got != want {
			t.Errorf("uptime %s: quarantined after %d crashes, want %d", life, got, want)
		}
	}
}

func FuzzLogLine(f *testing.F) {
	f.Add(`{"@level":"warn","@message":"m","k":"v"}`)
	f.Add(`time=t level=INFO msg=m`)
	out := newOutput(hclog.NewNullLogger(), map[string]string{"K": "canary"}, 0, nil)
	f.Fuzz(func(t *testing.T, line string) {
		out.line(line)
		if strings.Contains(out.lastOutput(), "canary") {
			t.Error("a secret is kept")
		}
	})
}

func TestHandshakeLine(t *testing.T) {
	for line, want := range map[string]string{
		"1|1|unix|/tmp/plugin-dir1/plugin2|netrpc|MII":                             "1|1|unix|/tmp/plugin-dir1/plugin2|netrpc|MII",
		"1|1|unix|/Users/me/Library/Application Support/aitunnel/run/p|netrpc|MII": "1|1|unix|/Users/me/Library/Application Support/aitunnel/run/p|netrpc|MII",
		"noise without an end1|12|tcp|127.0.0.1:10000|netrpc|":                     "1|12|tcp|127.0.0.1:10000|netrpc|",
		"1|1|unix|/tmp/it's $HOME \"100%\" ü [1]|netrpc|MII+/=":                    "1|1|unix|/tmp/it's $HOME \"100%\" ü [1]|netrpc|MII+/=",
		"1|1|pipe|/tmp/p|netrpc|":                                                  "",
		"1|x|unix|/tmp/p|netrpc|":                                                  "",
	} {
		if got := handshakeLine().FindString(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// recorder records what is logged.
type recorder struct {
	hclog.Logger
	lines []string
}

func (r *recorder) Log(level hclog.Level, message string, args ...any) {
	r.lines = append(r.lines, fmt.Sprint(level, " ", message, args))
}

func TestControlBytesNeverReachTheLog(t *testing.T) {
	log := &recorder{Logger: hclog.NewNullLogger()}
	out := newOutput(log, nil, 0, nil)
	out.line("a\x1b[2Jb\rc\xffd\u202e\tü")
	out.line(`{"level":"info","msg":"x\u001b]0;y\u0007\nz","k":"\u001b[31m"}`)
	want := []string{`debug a\x1b[2Jb\rc\xffd\u202e` + "\tü[]", `info x\x1b]0;y\a\nz[k \x1b[31m]`}
	if !slices.Equal(log.lines, want) {
		t.Errorf("%q, want %q", log.lines, want)
	}
}

func TestLogLinesOverTheLimitAreDropped(t *testing.T) {
	log := &recorder{Logger: hclog.NewNullLogger()}
	var reported []string
	out := newOutput(log, nil, 3, func(level hclog.Level, message string) { reported = append(reported, fmt.Sprint(level, " ", message)) })
	now := time.Unix(100, 0)
	out.now = func() time.Time { return now }
	for range 10 {
		out.line("x")
	}
	if rate, dropped := out.counts(); len(log.lines) != 3 || rate != 10 || dropped != 7 {
		t.Errorf("%d lines logged, %d a second, %d dropped", len(log.lines), rate, dropped)
	}
	now = now.Add(time.Second)
	out.line("[ERROR] y")
	if len(reported) != 2 || !strings.HasPrefix(reported[0], "warn 7 lines of its log were dropped: more than 3 per second") || reported[1] != "error [ERROR] y" {
		t.Errorf("%q", reported)
	}
}
