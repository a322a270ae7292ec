// Package view shows what the running program reports in the same words in every command:
// channels, clients, tunnels, plugins, attempts and costs.
package view

import (
	"fmt"
	"strings"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
)

// RecentAttempts returns the numbers of all attempts and of failed ones in the last ten minutes,
// and the share of successful ones, "" if there were none.
func RecentAttempts(ch admin.Channel) (attempts, failed, ok string) {
	n, failures := Sum(ch.Recent, len(ch.Recent))
	if n > 0 {
		ok = fmt.Sprintf("%.0f%%", 100*(1-float64(failures)/float64(n)))
	}
	return term.Number(n), term.Number(failures), ok
}

// ChannelName returns the name of a channel, with marks.
func ChannelName(p term.Paint, ch admin.Channel) string {
	name := ch.Name
	if ch.Fallback {
		name += p.Dim(" (fallback)")
	}
	if ch.First {
		name += p.Dim(" (preferred)")
	}
	return name
}

// KeysText returns how many of the keys are available.
func KeysText(p term.Paint, ch admin.Channel) string {
	if ch.Keys.Total == 0 {
		return ""
	}
	text := fmt.Sprintf("%d/%d", ch.Keys.Alive, ch.Keys.Total)
	if ch.Keys.Alive < ch.Keys.Total {
		text = p.Warn(text)
	}
	return text
}

// ChannelState returns the state of a channel, as the panel shows it, and a note.
func ChannelState(p term.Paint, ch admin.Channel) (state, note string) {
	state, note = stateAndReason(p, ch)
	return state, strings.TrimPrefix(note+restrictionsText(ch.Restricted), "; ")
}

// maxRestrictions is the maximum number of restrictions of a channel that are shown.
const maxRestrictions = 3

// restrictionsText returns what a channel is not used for, each preceded by a
// semicolon.
func restrictionsText(all []admin.Restriction) string {
	var out strings.Builder
	for i, r := range all {
		if i == maxRestrictions {
			fmt.Fprintf(&out, "; and %d more", len(all)-i)
			break
		}
		out.WriteString("; " + r.Text() + term.After(", for ", term.Until(r.Until)))
	}
	return out.String()
}

func stateAndReason(p term.Paint, ch admin.Channel) (state, note string) {
	text := ch.State.Text()
	switch ch.State {
	case admin.StateReady:
		return p.Good(text), ""
	case admin.StateUnknown:
		return text, ""
	case admin.StatePaused:
		return p.Warn(text), ""
	}
	if note = ch.OutReason; note == "" {
		note = ch.Why()
	}
	if left := term.Until(ch.OutUntil); left != "" {
		note += ", for " + left
	}
	if ch.State == admin.StateDegraded {
		return p.Warn(text), note
	}
	return p.Bad(text), note
}

// Sum adds up the last n points.
func Sum(points []admin.Point, n int) (requests, failures uint64) {
	for _, x := range points[max(0, len(points)-n):] {
		requests, failures = requests+x.Requests, failures+x.Failures
	}
	return requests, failures
}
