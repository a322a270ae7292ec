package verdict

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MaxRetryAfter is the longest wait that is accepted from a site.
const MaxRetryAfter = 24 * time.Hour

// retryAfter returns how long the site asks to wait; 0 if it does not say. Reset times
// of rate limits are in good answers too, so they count only if a limit was reached.
func (f *failure) retryAfter(limited bool, now time.Time) time.Duration {
	for _, find := range []func(*failure, time.Time) time.Duration{
		(*failure).retryHeaders, (*failure).retryFields, (*failure).retryMessage,
	} {
		if d := find(f, now); d > 0 {
			return min(d, MaxRetryAfter)
		}
	}
	if !limited {
		return 0
	}
	return min(resetHeaders(f.header, now), MaxRetryAfter)
}

func (f *failure) retryHeaders(now time.Time) time.Duration {
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if ms, err := strconv.ParseFloat(strings.TrimSpace(f.header.Get(name)), 64); err == nil && ms > 0 {
			return seconds(ms / 1000)
		}
	}
	for _, name := range []string{"Retry-After", "X-Retry-After", "X-Ratelimit-Retry-After", "X-Ratelimit-User-Retry-After"} {
		if d := interval(f.header.Get(name), now); d > 0 {
			return d
		}
	}
	return 0
}

// interval reads a future time in the forms that sites use: seconds, "6m0s",
// "20ms", seconds or milliseconds since 1970, RFC 3339 and HTTP dates.
func interval(v string, now time.Time) time.Duration {
	if v = strings.TrimSpace(v); v == "" {
		return 0
	}
	if first, _, twice := strings.Cut(v, ","); twice && strings.Trim(first, "0123456789.") == "" { // two headers in one
		v = first
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		switch {
		case n > 1e11 && n < 1e14:
			return max(time.UnixMilli(int64(n)).Sub(now), 0)
		case n > 1e9 && n <= 1e11:
			return max(time.Unix(int64(n), 0).Sub(now), 0)
		}
		return seconds(n)
	}
	if d, err := time.ParseDuration(v); err == nil {
		return max(d, 0)
	}
	if t, ok := moment(v); ok {
		return max(t.Sub(now), 0)
	}
	if wholeAmount().MatchString(v) {
		return sumOf(v)
	}
	return 0
}

// wholeAmount matches "1d2h3m" or "30 seconds".
var wholeAmount = compiled(`(?i)^` + amount)

// moment reads a date with a time.
func moment(v string) (time.Time, bool) {
	if t, err := http.ParseTime(v); err == nil {
		return t, true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST", time.RFC1123Z, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t, true
		}
	}
	for _, layout := range []string{time.DateTime, "2006/01/02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, v, beijing); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// beijing is the time zone of times without a zone, which only Chinese sites write.
var beijing = time.FixedZone("", 8*60*60)

func seconds(s float64) time.Duration {
	if !(s > 0) { // also not for NaN
		return 0
	}
	return time.Duration(min(s, MaxRetryAfter.Seconds()) * float64(time.Second))
}

// resetHeaders reads the reset times of rate limits: the latest of those limits that
// are used up, or if none is, the earliest.
func resetHeaders(h http.Header, now time.Time) time.Duration {
	var spent, soonest time.Duration
	for name := range h {
		lower := strings.ToLower(name)
		if !isReset(lower) {
			continue
		}
		d := interval(h.Get(name), now)
		if d <= 0 {
			continue
		}
		if soonest == 0 || d < soonest {
			soonest = d
		}
		if isSpent(h, lower) {
			spent = max(spent, d)
		}
	}
	if d := draftReset(h); d > 0 && spent == 0 {
		spent = d
	}
	if spent > 0 {
		return spent
	}
	return soonest
}

// isReset reports whether a header names the end of a rate limit's window:
// x-ratelimit-reset-requests, anthropic-ratelimit-unified-5h-reset,
// x-codex-primary-reset-after-seconds and the like.
func isReset(lower string) bool {
	return strings.Contains(lower, "reset") && (strings.Contains(lower, "ratelimit") || strings.Contains(lower, "rate-limit") || strings.HasPrefix(lower, "x-codex-"))
}

// isSpent reports whether the limit of a reset header is used up.
func isSpent(h http.Header, lower string) bool {
	if base, _, codex := strings.Cut(lower, "-reset-a"); codex { // -after-seconds, -at
		used, err := strconv.ParseFloat(h.Get(base+"-used-percent"), 64)
		return err == nil && used >= 100
	}
	if h.Get(strings.Replace(lower, "reset", "remaining", 1)) == "0" {
		return true
	}
	status := h.Get(strings.Replace(lower, "reset", "status", 1))
	return status == "rejected" || status == "exceeded"
}

// draftReset reads the RateLimit header of the IETF draft: `"default";r=0;t=30`
// or "limit=10, remaining=0, reset=30".
func draftReset(h http.Header) time.Duration {
	v := h.Get("Ratelimit")
	for part := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
		name, n, _ := strings.Cut(part, "=")
		if name == "t" || name == "reset" {
			if s, err := strconv.ParseFloat(n, 64); err == nil {
				return seconds(s)
			}
		}
	}
	return 0
}

// afterPaths looks for a time at the places that a rule names: "header:NAME" or a path
// in the document.
func (f *failure) afterPaths(paths []afterPath, now time.Time) time.Duration {
	for _, p := range paths {
		var d time.Duration
		if p.header != "" {
			d = interval(f.header.Get(p.header), now)
		} else if read := func(v string) bool { d = interval(v, now); return d > 0 }; !f.doc.at(p.path, read) && f.within != nil {
			f.within.doc.at(p.path, read)
		}
		if d > 0 {
			return min(d, MaxRetryAfter)
		}
	}
	return 0
}
