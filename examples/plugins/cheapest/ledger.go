package main

import (
	"encoding/json"
	"log/slog"
	"time"
)

// ledger is what was spent on one day. It is kept in Plan.State.
type ledger struct {
	Day   string  `json:"day"`
	Spent float64 `json:"spent"`

	restored bool
}

// restore reads the state of the last plan once: after that, the ledger is newer.
func (l *ledger) restore(state []byte) {
	if l.restored {
		return
	}
	l.restored = true
	if len(state) == 0 {
		return
	}
	if err := json.Unmarshal(state, l); err != nil {
		slog.Warn("the state of the last plan cannot be read, so the day begins at 0", "error", err)
	}
}

// turn starts a new day.
func (l *ledger) turn(now time.Time) {
	if day := now.Format(time.DateOnly); day != l.Day {
		l.Day, l.Spent = day, 0
	}
}

func (l *ledger) save() []byte {
	state, _ := json.Marshal(l) // a string and a finite number
	return state
}

func untilMidnight(now time.Time) time.Duration {
	return now.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now)
}

// maxSessions bounds what is remembered.
const maxSessions = 10_000

// sessions are the channels that served sessions: two generations, the older of which
// is forgotten when the newer is full.
type sessions struct{ young, old map[string]string }

func (s *sessions) remember(session, channel string) {
	if s.young == nil || len(s.young) >= maxSessions {
		s.young, s.old = map[string]string{}, s.young
	}
	s.young[session] = channel
}

func (s *sessions) channel(session string) string {
	if channel, ok := s.young[session]; ok {
		return channel
	}
	return s.old[session]
}
