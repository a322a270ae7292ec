package adminapi

import (
	"testing"
	"time"
	"unsafe"
)

// TestTimesFollowTheWallClock: the remaining times in the API are right after the wall clock was
// set, as nobody who reads them has the monotonic clock of this process.
func TestTimesFollowTheWallClock(t *testing.T) {
	for name, jump := range map[string]time.Duration{"forward": 3 * time.Hour, "back": -3 * time.Hour} {
		until, since := time.Now().Add(10*time.Minute), time.Now().Add(-time.Minute)
		for what, c := range map[string]struct {
			at   time.Time
			want time.Duration
		}{"a time to come": {until, 10 * time.Minute}, "a past time": {since, -time.Minute}} {
			shown := at(beforeJump(t, c.at, jump)).Round(0)
			if left := shown.Sub(time.Now().Round(0)); (left - c.want).Abs() > 30*time.Second {
				t.Errorf("%s, %s: %s left, want %s", name, what, left, c.want)
			}
		}
	}
	now := time.Now()
	if got := clock(now); !got.Equal(now) {
		t.Errorf("without a jump %s became %s", now, got)
	}
	if saved := now.Round(0).Add(-24 * time.Hour); !clock(saved).Equal(saved) {
		t.Errorf("%s, which was saved, became %s", saved, clock(saved))
	}
	if at(time.Time{}) != nil || !clock(time.Time{}).IsZero() {
		t.Error("no time is shown as a time")
	}
}

// beforeJump returns a time that was computed before the wall clock was moved by jump. Only the
// system can move the clock, so the wall time within the value is moved instead.
func beforeJump(t *testing.T, at time.Time, jump time.Duration) time.Time {
	t.Helper()
	const nanosecondBits = 30 // of time.Time's first word, with the seconds above them
	monotonic := time.Until(at)
	*(*uint64)(unsafe.Pointer(&at)) -= uint64(jump/time.Second) << nanosecondBits
	if (time.Until(at)-monotonic).Abs() > 30*time.Second || time.Until(at.Round(0)).Abs() < 2*time.Hour {
		t.Skip("a time.Time of this version of Go has another layout")
	}
	return at
}
