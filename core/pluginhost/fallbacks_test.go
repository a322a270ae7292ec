package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/trust"
)

// upgradedLock has plugins whose version 2 replaced version 1.
func upgradedLock(names ...string) (trust.Lock, map[string]trust.Executable) {
	lock, previous := trust.Lock{}, map[string]trust.Executable{}
	for _, name := range names {
		lock.Set(name, trust.Platform, trust.Entry{Version: "1.0.0", SHA256: name + "-1"})
		lock.Set(name, trust.Platform, trust.Entry{Version: "2.0.0", SHA256: name + "-2"})
		previous[name] = trust.Executable{Path: "/cache/" + name, SHA256: name + "-1"}
	}
	return lock, previous
}

func TestFallbackToThePreviousVersion(t *testing.T) {
	f := newFallbacks()
	lock, previous := upgradedLock("a", "b", "c")
	locked := func(name string) trust.Executable { return trust.Executable{Path: "/" + name, SHA256: name + "-2"} }

	f.recordStartError("b", errors.New("exit status 3"))
	if got := f.fallBack(lock, previous, nil); !slices.Equal(got, []string{"b"}) {
		t.Errorf("the plugin that failed: %q", got)
	}
	if got := f.executable("b", locked("b")); got != previous["b"] {
		t.Errorf("in place of b: %+v", got)
	}
	if got := f.executable("b", trust.Executable{SHA256: "b-3"}); got.SHA256 != "b-3" {
		t.Errorf("another version of b: %+v", got)
	}
	if got := f.reason("b", "b-1"); !strings.Contains(got, "2.0.0 does not work, so the previous version 1.0.0 is used: exit status 3") {
		t.Errorf("the reason is %q", got)
	}
	if got := f.reason("b", "b-2") + f.reason("a", "a-1"); got != "" {
		t.Errorf("a reason for a plugin that replaces no other: %q", got)
	}
	// The cause is not known: one more at each call, until there are none.
	late := fmt.Errorf("Configure: %w", context.DeadlineExceeded)
	for _, want := range [][]string{{"a"}, {"c"}, nil} {
		if got := f.fallBack(lock, previous, late); !slices.Equal(got, want) {
			t.Errorf("one more: %q, want %q", got, want)
		}
	}
	f.undo([]string{"c"})
	if got := f.executable("c", locked("c")); got != locked("c") {
		t.Errorf("after the fallback was undone: %+v", got)
	}
	if got := f.late(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("late are %q", got)
	}
	undo := f.useLocked("a")
	if got := f.executable("a", locked("a")); got != locked("a") {
		t.Errorf("while the locked version is tried: %+v", got)
	}
	undo(errors.New("exit status 4"))
	if got := f.reason("a", "a-1"); !strings.HasSuffix(got, "it was tried again with more time: exit status 4") || len(f.late()) > 0 {
		t.Errorf("after another failed try: %q, late are %q", got, f.late())
	}
}

func TestAbsentPlugins(t *testing.T) {
	f := newFallbacks()
	lock, _ := upgradedLock("crashes", "hangs", "refuses")
	f.recordStartError("crashes", notReady{errors.New("exit status 3")})
	f.recordStartError("hangs", context.DeadlineExceeded)
	f.recordStartError("refuses", errors.New("an invalid setting")) // for a person to correct
	f.recordStartError("unlocked", context.DeadlineExceeded)
	for _, want := range [][]string{{"crashes", "hangs"}, nil} {
		if got := f.markAbsent(lock); !slices.Equal(got, want) {
			t.Errorf("absent: %q, want %q", got, want)
		}
	}
	if a, ok := f.absence("hangs"); !ok || a.sum != "hangs-2" || !errors.Is(a.cause, context.DeadlineExceeded) {
		t.Errorf("%+v, %v", a, ok)
	}
	undo := f.tryAbsent("hangs")
	if got := f.absentNames(); !slices.Equal(got, []string{"crashes"}) {
		t.Errorf("while one is tried: %q", got)
	}
	undo()
	f.useLocked("crashes")(errors.New("exit status 4"))
	if a, _ := f.absence("crashes"); a.cause == nil || a.cause.Error() != "exit status 4" || a.sum != "crashes-2" {
		t.Errorf("after another failed try: %+v", a)
	}
	f.clearStartErrors()
	if got := f.markAbsent(lock); len(got) > 0 {
		t.Errorf("after the plugins were in use: %q", got)
	}
}

func TestLimitedStarts(t *testing.T) {
	f := newFallbacks()
	lock, previous := upgradedLock("a", "b")
	f.recordStartError("a", context.DeadlineExceeded)
	f.fallBack(lock, previous, nil)
	for _, limited := range []bool{true, false} {
		f.limitStarts(limited)
		if f.hasStartLimit("a") || f.hasStartLimit("b") != limited {
			t.Errorf("limited %v: %v for a previous version, %v for a locked one", limited, f.hasStartLimit("a"), f.hasStartLimit("b"))
		}
	}
}
