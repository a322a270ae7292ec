package term

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// Count returns a number with its noun in the right form.
func Count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return Number(n) + " " + noun
}

// After returns the text with a separator before it, or "" if the text is empty.
func After(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}

// Number groups digits by thousands.
func Number[T ~int | ~int64 | ~uint64](n T) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Span returns a duration in its two largest units.
func Span(d time.Duration) string {
	switch s := int(math.Round(d.Seconds())); {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm %ds", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%dh %dm", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%dd %dh", s/86400, s/3600%24)
	}
}

// Millis returns a time in milliseconds, "" for none.
func Millis(ms float64) string {
	switch {
	case ms <= 0:
		return ""
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 10_000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f s", ms/1000)
}

// Until returns the time left until t, "" if there is no t or it has passed.
func Until(t *time.Time) string {
	if t == nil || time.Until(*t) <= 0 {
		return ""
	}
	return Span(time.Until(*t).Round(time.Second))
}

// Clock returns the time of day, with the date unless it is today.
func Clock(t time.Time) string {
	t = t.Local()
	if now := time.Now(); t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04:05")
}

// Elapsed returns a duration, even if it is very short.
func Elapsed(nanoseconds float64) string { return cmp.Or(Millis(nanoseconds/1e6), "0 ms") }

// Shorten returns the beginning of a text.
func Shorten(s string) string {
	const longest = 60
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return s
}
