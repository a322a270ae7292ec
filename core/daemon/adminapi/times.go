package adminapi

import "time"

// clock returns t by the wall clock of now. A wall clock that was set after t was computed, as on
// a machine that starts without the right time, would show it hours or years off; the program
// itself compares monotonic readings.
func clock(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	now := time.Now()
	if shown := now.Add(t.Sub(now)).Round(0); shown.Sub(t.Round(0)).Abs() > time.Second {
		return shown
	}
	return t // unchanged, so that it is the same each time
}

// at is clock, nil for no time.
func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = clock(t)
	return &t
}
