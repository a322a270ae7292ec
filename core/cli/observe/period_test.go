package observe

import (
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/history"
)

// TestAnEmptyPeriodIsExplained: the name of a day stands for its first moment.
func TestAnEmptyPeriodIsExplained(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.Local)
	for _, c := range [][3]string{
		{"yesterday", "yesterday", "for the whole day write --since yesterday --until today"},
		{"2026-11-20", "2026-11-20", "for the whole day write --since 2026-11-20 --until 2026-11-21"},
		{"today", "today", "for the whole day write --since today"},
		{"today", "yesterday", "--until yesterday is not after --since today"},
		{"2h", "2h", "--until 2h is not after --since 2h"},
	} {
		from, _ := admin.HistoryMoment(c[0], now)
		to, _ := admin.HistoryMoment(c[1], now)
		if got := emptyPeriod(c[0], c[1], history.Filter{From: from, To: to}, now); !strings.HasSuffix(got, c[2]) {
			t.Errorf("%s to %s: %s", c[0], c[1], got)
		}
	}
}

// TestUsageSpanIsInTheConfiguredTimeZone, which the times of the API have.
func TestUsageSpanIsInTheConfiguredTimeZone(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("CET", 3600)
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, berlin) }
	for want, u := range map[string]history.Usage{
		"since the history began":                   {To: at(27, 10)},
		"on 2026-11-26":                             {From: at(26, 0), To: at(27, 0)},
		"from 2026-11-20 to 2026-11-26":             {From: at(20, 0), To: at(27, 0)},
		"from 2026-11-26 09:00 to 2026-11-27 10:00": {From: at(26, 9), To: at(27, 10)},
		"from 2026-11-26 00:00 until now":           {From: at(26, 0), To: at(27, 12)},
	} {
		if got := usageSpan(u, at(27, 11)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
