package observe

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
)

// maxEarlierLog is how much of the end of the log file is read to find what happened
// before the oldest event of the running program.
const maxEarlierLog = 2 << 20

// maxDetails is the maximum number of requests whose attempts are read from the
// history.
const maxDetails = 100

// earlierEvents returns the events before a time, for example before a restart: the
// requests in the history, and the entries of the log file. What cannot be read is
// left out.
func (a *app) earlierEvents(ctx context.Context, c *adminclient.Client, f logFlags, before time.Time) []event.Event {
	if !f.from.IsZero() && !f.from.Before(before) {
		return nil
	}
	if !f.to.IsZero() && f.to.Before(before) {
		before = f.to
	}
	var all []event.Event
	requests, err := fromProgram{c}.page(ctx, history.Filter{From: f.from, To: before}, "", adminclient.MaxRecent)
	details := maxDetails
	for _, r := range requests.Records {
		if (r.Retries > 0 || r.Error != "") && details > 0 {
			details--
			if full, err := c.Request(ctx, r.ID); err == nil {
				r = full
			}
		}
		ended := r.Time.Add(time.Duration(r.Total))
		all = append(all, event.Event{Time: ended, Type: event.TypeRequest, Level: requestLevel(r.Status), Channel: r.Channel, Key: r.Key, Request: &r.Request})
	}
	entries, _ := ReadLog(a.runningLog(ctx, c), maxEarlierLog)
	for _, e := range entries {
		if e.event.Time.IsZero() || !e.event.Time.Before(before) || err == nil && e.event.Type == event.TypeRequest {
			continue // the history has more details about requests
		}
		if e.event.Type == "" {
			e.event.Type = event.TypeLog
		}
		e.event.Message = withoutFields(e.event)
		all = append(all, e.event)
	}
	slices.SortStableFunc(all, func(x, y event.Event) int { return x.Time.Compare(y.Time) })
	return all
}

// runningLog returns the log file of the running program.
func (a *app) runningLog(ctx context.Context, c *adminclient.Client) string {
	if s, err := c.Status(ctx); err == nil && s.LogFile != "" {
		return s.LogFile
	}
	return a.LogPath()
}

// withoutFields returns the message of a log entry without the fields that the event
// already has.
func withoutFields(e event.Event) string {
	first, rest, _ := strings.Cut(e.Message, "\n")
	if at := logField().FindStringIndex(first); at != nil {
		first = first[:at[0]]
	}
	if rest != "" {
		return first + "\n" + rest
	}
	return first
}

// requestLevel returns the level of the event of a request.
func requestLevel(status int) event.Level {
	if status >= 500 {
		return event.LevelWarn
	}
	return event.LevelInfo
}
