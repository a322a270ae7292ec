package history

import (
	"slices"
	"time"
)

// span is a period of whole hours or days.
type span struct {
	from, to time.Time // from is zero for everything
	daily    bool
}

// span returns the period of a query, extended to whole hours or days.
func (q UsageQuery) span(now time.Time, zone *time.Location) span {
	s := span{from: q.From, to: q.To}
	if s.to.IsZero() {
		s.to = now
	}
	byDays := slices.Contains(q.By, ByDay) || slices.Contains(q.By, ByMonth)
	s.daily = byDays || !slices.Contains(q.By, ByHour) && (s.from.IsZero() || s.to.Sub(s.from) > dailyFrom)
	down := func(t time.Time) time.Time {
		if !s.daily {
			return t.Truncate(time.Hour).In(zone)
		}
		year, month, day := t.In(zone).Date()
		return time.Date(year, month, day, 0, 0, 0, 0, zone)
	}
	if !s.from.IsZero() {
		s.from = down(s.from)
	}
	if up := down(s.to); !up.Equal(s.to) && s.daily {
		s.to = up.AddDate(0, 0, 1)
	} else if !up.Equal(s.to) {
		s.to = up.Add(time.Hour)
	}
	return s
}

// before returns the preceding period of the same length.
func (s span) before(zone *time.Location) span {
	if !s.daily {
		return span{from: s.from.Add(-s.to.Sub(s.from)), to: s.from}
	}
	days := int((s.to.Sub(s.from) + 12*time.Hour) / (24 * time.Hour))
	return span{from: s.from.In(zone).AddDate(0, 0, -days), to: s.from, daily: true}
}
