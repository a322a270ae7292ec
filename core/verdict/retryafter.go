package verdict

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// MaxRetryAfter bounds what is believed of a site that names a time.
const MaxRetryAfter = 24 * time.Hour

// retryAfter is how long the site wants to be left alone; 0 if it does not say.
// Resets of rate limits come with good answers too, so they count only if a
// limit was reached.
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

// interval reads a time to come in the forms that sites use: seconds, "6m0s",
// "20ms", seconds or milliseconds since 1970, RFC 3339 and HTTP dates.
func interval(v string, now time.Time) time.Duration {
	v = strings.TrimSpace(v)
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
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return max(t.Sub(now), 0)
	}
	if t, err := time.ParseInLocation(time.DateTime, v, beijing); err == nil {
		return max(t.Sub(now), 0)
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(t.Sub(now), 0)
	}
	return 0
}

// beijing is where sites are that write a time without a zone.
var beijing = time.FixedZone("", 8*60*60)

func seconds(s float64) time.Duration {
	if !(s > 0) { // also not for NaN
		return 0
	}
	return time.Duration(min(s, MaxRetryAfter.Seconds()) * float64(time.Second))
}

// retryPaths are the fields of errors that name a time, and the unit of a bare
// number in them.
var retryPaths = []struct {
	path []string
	unit time.Duration
}{
	{[]string{"details", "*", "retryDelay"}, time.Second}, // google.rpc.RetryInfo
	{[]string{"retry_after_ms"}, time.Millisecond},
	{[]string{"retry_after"}, time.Second},
	{[]string{"retryAfter"}, time.Second},
	{[]string{"retry_after_seconds"}, time.Second},
	{[]string{"resets_in_seconds"}, time.Second},
	{[]string{"resets_at"}, time.Second},
	{[]string{"reset_at"}, time.Second},
	{[]string{"resetAt"}, time.Second},
	{[]string{"reset_time"}, time.Second},
	{[]string{"metadata", "retry_after"}, time.Second},
	{[]string{"metadata", "retry_after_seconds"}, time.Second},
	{[]string{"metadata", "headers", "Retry-After"}, time.Second},
	{[]string{"metadata", "headers", "X-RateLimit-Reset"}, time.Second},
	{[]string{"details", "retry_after"}, time.Second},
	{[]string{"details", "*", "metadata", "quotaResetDelay"}, time.Second},
	{[]string{"details", "*", "metadata", "quotaResetTimeStamp"}, time.Second},
}

func (f *failure) retryFields(now time.Time) time.Duration {
	for _, o := range []object{f.err, f.doc} {
		for _, p := range retryPaths {
			var d time.Duration
			o.at(p.path, func(v string) bool {
				d = max(d, inUnit(interval(v, now), v, p.unit))
				return false
			})
			if d > 0 {
				return d
			}
		}
	}
	return 0
}

// inUnit corrects a bare number that interval took for seconds.
func inUnit(d time.Duration, v string, unit time.Duration) time.Duration {
	if n, err := strconv.ParseFloat(v, 64); err == nil && n < 1e9 {
		return seconds(n * unit.Seconds())
	}
	return d
}

// Messages name a time in words: "try again in 1.2s", "retry after 30 seconds",
// "wait 5 minutes", "reset after 2h3m4s", "请在 30 秒后重试".
var (
	messageAfter = regexp.MustCompile(`(?i)^(?:retrying|retry|wait|resets?|again|please)\s*(?:again)?\s*(?:in|after|about|at least|for|:)?\s*(?:about\s*|approximately\s*)?` + amount)
	messageUntil = regexp.MustCompile(`(?i)^(?:resets?|retry|again|until|available|将在)\s*(?:again|time|will)?\s*(?:at|after|on|in|:)?\s*:?\s*([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2}| UTC)?)`)
	messageEpoch = regexp.MustCompile(`limit reached\|([0-9]{10,13})\b`) // Claude Code's own form
	messageZh    = regexp.MustCompile(`([0-9]+(?:\.[0-9]+)?)\s*(毫秒|秒|分钟|小时|天)\s*(?:钟|之)?(?:后|以后|再)`)
	messageClock = regexp.MustCompile(`(?i)^(?:replenished|retry|wait|resets?|again)\s*(?:in|after|for)?\s*([0-9]{1,3}):([0-9]{2}):([0-9]{2})\b`)
	amountPart   = regexp.MustCompile(`(?i)([0-9]+(?:\.[0-9]+)?)\s*(` + unitNames + `)`)
	retryWords   = []string{"retry", "wait", "reset", "again", "please", "until", "available", "replenished", "将在"}
)

const (
	unitNames = `milliseconds?|msecs?|ms|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|s|m|h|d`
	amount    = `((?:[0-9]+(?:\.[0-9]+)?\s*(?:` + unitNames + `)(?:\s+and)?[\s,]*)+)(?:\b|$)`
)

// retryMessage looks behind the words that announce a time: expressions over
// the whole of a long message would be slow.
func (f *failure) retryMessage(now time.Time) time.Duration {
	const window, most = 120, 8
	if !strings.ContainsAny(f.message, "0123456789") {
		return 0
	}
	for _, word := range retryWords {
		from := 0
		for range most {
			i := strings.Index(f.lowered[from:], word)
			if i < 0 {
				break
			}
			from += i + len(word)
			text := f.message[from-len(word) : min(from+window, len(f.message))]
			if m := messageAfter.FindStringSubmatch(text); m != nil {
				return sumOf(m[1])
			}
			if m := messageClock.FindStringSubmatch(text); m != nil {
				return seconds(number(m[1])*3600 + number(m[2])*60 + number(m[3]))
			}
			if m := messageUntil.FindStringSubmatch(text); m != nil {
				return interval(utc(m[1]), now)
			}
		}
	}
	if m := messageEpoch.FindStringSubmatch(f.message); m != nil {
		return interval(m[1], now)
	}
	if m := messageZh.FindStringSubmatch(f.message); m != nil {
		return seconds(number(m[1]) * unitOf(m[2]).Seconds())
	}
	return 0
}

// utc writes "2026-12-01 00:00:00 UTC" as RFC 3339 has it.
func utc(v string) string {
	if t, ok := strings.CutSuffix(v, " UTC"); ok {
		return strings.Replace(t, " ", "T", 1) + "Z"
	}
	return v
}

// number reads what an expression has found to be one.
func number(digits string) float64 {
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return 0
	}
	return n
}

// sumOf adds the parts of "2h 3m 4.5s".
func sumOf(s string) time.Duration {
	total := 0.0
	for _, m := range amountPart.FindAllStringSubmatch(s, -1) {
		total += number(m[1]) * unitOf(m[2]).Seconds()
	}
	return seconds(total)
}

func unitOf(name string) time.Duration {
	name = strings.ToLower(name)
	switch {
	case strings.HasPrefix(name, "ms"), strings.HasPrefix(name, "milli"), name == "毫秒":
		return time.Millisecond
	case strings.HasPrefix(name, "m"), name == "分钟":
		return time.Minute
	case strings.HasPrefix(name, "h"), name == "小时":
		return time.Hour
	case strings.HasPrefix(name, "d"), name == "天":
		return 24 * time.Hour
	}
	return time.Second
}

// resetHeaders reads the reset times of rate limits: of the limits that are
// spent the one that takes longest, or if none says so the one that is over
// first.
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

// isReset says that a header names the end of a rate limit's window:
// x-ratelimit-reset-requests, anthropic-ratelimit-unified-5h-reset,
// x-codex-primary-reset-after-seconds and the like.
func isReset(lower string) bool {
	return strings.Contains(lower, "reset") && (strings.Contains(lower, "ratelimit") || strings.Contains(lower, "rate-limit") || strings.HasPrefix(lower, "x-codex-"))
}

// isSpent says that the limit of a reset header is used up.
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

// afterPaths looks for a time where a rule says: "header:NAME" or a path of the
// document.
func (f *failure) afterPaths(paths []afterPath, now time.Time) time.Duration {
	for _, p := range paths {
		var d time.Duration
		if p.header != "" {
			d = interval(f.header.Get(p.header), now)
		} else if f.doc != nil {
			f.doc.at(p.path, func(v string) bool { d = interval(v, now); return d > 0 })
		}
		if d > 0 {
			return min(d, MaxRetryAfter)
		}
	}
	return 0
}
