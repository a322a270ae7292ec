package main

import (
	"encoding/json"
	"math"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// enough is how many attempts of a channel are needed to judge it.
const enough = 5

// memory is what was learned, as in the State of a plan.
type memory struct {
	Version int            `json:"version"`
	At      time.Time      `json:"at"` // when it faded last
	Arms    map[string]arm `json:"arms"`
}

// arm is what was learned about one channel.
type arm struct {
	Good float64 `json:"g,omitempty"`
	Bad  float64 `json:"b,omitempty"`
	TTFB float64 `json:"t,omitempty"` // mean over the good ones, in seconds
}

const (
	stateVersion = 1
	maxState     = 64 << 10 // aitunnel takes no more
)

// recall reads a State. If that fails, for example because another version wrote it,
// learning starts again.
func recall(state []byte) memory {
	var m memory
	if err := json.Unmarshal(state, &m); err != nil || m.Version != stateVersion {
		m = memory{}
	}
	if m.Arms == nil {
		m.Arms = map[string]arm{}
	}
	return m
}

// state encodes m. If it would be too long, it is dropped.
func (m memory) state() ([]byte, error) {
	m.Version = stateVersion
	b, err := json.Marshal(m)
	if len(b) > maxState {
		b = nil
	}
	return b, err
}

// fade makes earlier attempts count less, depending on the time since the last call.
func (m *memory) fade(now time.Time, halfLife time.Duration) {
	passed := now.Sub(m.At)
	m.At = now
	if passed <= 0 || len(m.Arms) == 0 {
		return
	}
	left := math.Pow(0.5, passed.Seconds()/halfLife.Seconds())
	for id, a := range m.Arms {
		a.Good, a.Bad = round(a.Good*left), round(a.Bad*left)
		m.Arms[id] = a
	}
}

// round keeps the State short.
func round(x float64) float64 { return math.Round(x*1000) / 1000 }

func (m *memory) learn(outcomes []sdk.Outcome) {
	for _, o := range outcomes {
		a := m.Arms[o.ID]
		if good := float64(o.Successes); good > 0 && o.TTFB > 0 {
			a.TTFB = round((a.TTFB*a.Good + o.TTFB.Seconds()*good) / (a.Good + good))
		}
		a.Good += float64(o.Successes)
		a.Bad += float64(o.Failures)
		m.Arms[o.ID] = a
	}
}

// keep removes the channels that no longer exist.
func (m *memory) keep(channels []sdk.Snapshot) {
	arms := make(map[string]arm, len(m.Arms))
	for _, c := range channels {
		if a, known := m.Arms[c.ID]; known {
			arms[c.ID] = a
		}
	}
	m.Arms = arms
}

func (a arm) samples() float64 { return a.Good + a.Bad }

// cost returns the cost of an answer in seconds: the time to the first byte, and the
// failures before it.
func (a arm) cost(failure time.Duration) time.Duration {
	failures := a.Bad / max(a.Good, 0.1) // for each answer
	return time.Duration((a.TTFB + failures*failure.Seconds()) * float64(time.Second))
}
