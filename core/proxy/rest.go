package proxy

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

func itoa(n int) string { return strconv.Itoa(n) }

// restOf is how long the site asks a key to rest: by Retry-After, by the reset
// time of a spent rate limit, or in the body; 0 if it says nothing.
func restOf(h http.Header, body []byte, now time.Time) time.Duration {
	return min(namedRest(h, body, now), maxRest)
}

// maxRest bounds what is believed.
const maxRest = 365 * 24 * time.Hour

func namedRest(h http.Header, body []byte, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return seconds(ms / 1000)
	}
	if d := retryAfter(h.Get("Retry-After"), now); d > 0 {
		return d
	}
	if d := ratelimitReset(h, now); d > 0 {
		return d
	}
	delay := gjson.GetBytes(body, `error.details.#(retryDelay).retryDelay`).String() // Gemini's RetryInfo
	return instant(delay, now)
}

// retryAfter reads the header's value (RFC 9110, section 10.2.3): seconds,
// which some sites send with a fraction, or a date. 0 for anything else.
func retryAfter(v string, now time.Time) time.Duration {
	v = strings.TrimSpace(v)
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return seconds(s)
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(t.Sub(now), 0)
	}
	return 0
}

func seconds(s float64) time.Duration {
	if !(s > 0) { // also not for NaN
		return 0
	}
	return time.Duration(min(s, maxRest.Seconds()) * float64(time.Second))
}

// ratelimitReset reads the reset headers: of the limits that are spent the one
// that takes longest, or if none says so the one that is over first.
func ratelimitReset(h http.Header, now time.Time) time.Duration {
	var spent, soonest time.Duration
	for name := range h {
		lower := strings.ToLower(name)
		if !strings.Contains(lower, "ratelimit") || !strings.Contains(lower, "reset") {
			continue
		}
		d := instant(h.Get(name), now)
		if d <= 0 {
			continue
		}
		if soonest == 0 || d < soonest {
			soonest = d
		}
		remaining := http.CanonicalHeaderKey(strings.Replace(lower, "reset", "remaining", 1))
		if h.Get(remaining) == "0" {
			spent = max(spent, d)
		}
	}
	if spent > 0 {
		return spent
	}
	return soonest
}

// instant reads a time to come in the forms that sites use: "6m0s", "20ms",
// seconds, seconds or milliseconds since 1970, and RFC 3339.
func instant(v string, now time.Time) time.Duration {
	v = strings.TrimSpace(v)
	if d, err := time.ParseDuration(v); err == nil && v != "0" {
		return max(d, 0)
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		switch {
		case n > 1e12:
			return max(time.UnixMilli(int64(min(n, 1e15))).Sub(now), 0)
		case n > 1e9:
			return max(time.Unix(int64(n), 0).Sub(now), 0)
		}
		return seconds(n)
	}
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return max(t.Sub(now), 0)
	}
	return 0
}
