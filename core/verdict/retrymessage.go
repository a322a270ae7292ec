package verdict

import (
	"strconv"
	"strings"
	"time"
)

// Messages contain a time in words: "try again in 1.2s", "retry after 30 seconds",
// "wait 5 minutes", "reset after 2h3m4s", "请在 30 秒后重试", "resets at midnight
// UTC".
var (
	messageAfter = compiled(`(?i)^(?:retrying|retry|wait|resets?|again|please|available|cool-?down)\s*(?:again)?\s*(?:in|after|about|at least|for|:)?\s*(?:about\s*|approximately\s*|another\s*)?` + amount)
	messageUntil = compiled(`(?i)^(?:resets?|retry|again|until|available|access|将[在于]|请于)\s*(?:again|time|will|北京时间)?\s*(?:at|after|on|in|:)?\s*:?\s*([0-9]{4}[-/][0-9]{2}[-/][0-9]{2}(?:[T ]| at )[0-9:]{5,8}(?:\.[0-9]+)?(?:Z| ?[+-][0-9]{2}:?[0-9]{2}| UTC)?)`)
	messageDate  = compiled(`(?i)^(?:resets?|retry|again|until|available)\s*(?:at|after|on)?\s*(?:[a-z]{3,9},?\s+)?(?:([0-9]{1,2})\s+([a-z]{3})[a-z]*\.?|([a-z]{3})[a-z]*\.?\s+([0-9]{1,2})(?:st|nd|rd|th)?),?\s*([0-9]{4})?,?\s*(?:at\s+)?([0-9]{1,2}:[0-9]{2})(?::[0-9]{2})?\s*(am|pm)?\s*([a-z]{2,4}\b)?`)
	messageOne   = compiled(`(?i)^(?:retry|wait|resets?|again)\s*(?:again)?\s*(?:in|after|about|for)?\s*(?:about\s*)?an? (second|minute|hour|day)\b`)
	messageEpoch = compiled(`limit reached\|([0-9]{10,13})\b`) // Claude Code's own form
	messageZh    = compiled(`((?:` + amountZh + `)+)(?:之|以)?(?:后|再)|(?:剩余|还需|需要?等待|等待)[^，。0-9]{0,8}((?:` + amountZh + `)+)`)
	messageDays  = compiled(`(?i)^(?:replenished|retry|wait|resets?|again)\s*(?:in|after|for)?\s*(?:([0-9]{1,2})\.)?([0-9]{1,3}):([0-9]{2}):([0-9]{2})\b`)
	messageClock = compiled(`(?i)^(?:resets?|again|until|available|retry|reset time)\s*(?:again\s*)?(?:daily\s*|tomorrow\s*|every day\s*)?(?:at|on|after|:)?\s*(midnight|(?:[0-9]{1,2})(?::[0-9]{2})?\s*(?:am|pm)|[0-9]{1,2}:[0-9]{2})(?::[0-9]{2})?,?\s*\(?\s*([a-z]+/[a-z_]+|utc\s*[+-]\s*[0-9]{1,2}|gmt\s*[+-]\s*[0-9]{1,2}|[a-z]{2,8}\b)?`)
	midnightZh   = compiled(`(?:明[日天早]|次日|隔日|第二天|每[日天]|凌晨|今晚)[^，。;；]{0,8}?(?:0|00|24|零)\s*(?:点|时|:00)|(?:0|00|24|零)\s*(?:点|时|:00)[^，。;；]{0,6}(?:重置|刷新|恢复|更新)|(?:请|可)?(?:于|在)?(?:明[日天]|次日)[^，。;；0-9]{0,4}(?:再|重试|重置|恢复|刷新)`)
	amountPart   = compiled(`(?i)(` + numberZh + `)\s*个?(` + unitNames + `|` + unitNamesZh + `)`)
	retryWords   = []string{"retry", "wait", "reset", "again", "please", "until", "available", "replenished", "access on", "cooldown", "cool-down", "将在", "将于", "请于"}
)

const (
	unitNamesZh = `毫秒|秒|分钟|分|小时|天`
	numberZh    = `(?:[0-9]+(?:\.[0-9]+)?|半|[一二两三四五六七八九十]{1,3})`
	amountZh    = numberZh + `\s*个?(?:` + unitNamesZh + `|` + unitNames + `)钟?\s*`

	unitNames = `milliseconds?|msecs?|ms|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|s|m|h|d`
	amount    = `((?:[0-9]+(?:\.[0-9]+)?\s*(?:` + unitNames + `)(?:\s+and)?[\s,]*)+)(?:\b|$)`
)

// retryMessage looks only after words that announce a time, since matching
// expressions against a whole long message would be slow.
func (f *failure) retryMessage(now time.Time) time.Duration {
	const window, most = 120, 8
	for _, word := range retryWords {
		from := 0
		for range most {
			i := strings.Index(f.lowered[from:], word)
			if i < 0 {
				break
			}
			from += i + len(word)
			if d := announced(f.words[from-len(word):min(from+window, len(f.words))], now); d > 0 {
				return d
			}
		}
	}
	if m := messageEpoch().FindStringSubmatch(f.words); m != nil {
		return interval(m[1], now)
	}
	if isChinese(f.words) {
		if m := messageZh().FindStringSubmatch(f.words); m != nil {
			return sumOf(firstOf(m[1], m[2]))
		}
	}
	if isChinese(f.words) && midnightZh().MatchString(f.words) {
		return nextClock(now, beijing, 0, 0)
	}
	return 0
}

// announced reads the time at the beginning of a text, which follows an announcing
// word.
func announced(text string, now time.Time) time.Duration {
	if m := messageAfter().FindStringSubmatch(text); m != nil {
		return sumOf(m[1])
	}
	if m := messageDays().FindStringSubmatch(text); m != nil {
		return seconds(number(m[1])*86400 + number(m[2])*3600 + number(m[3])*60 + number(m[4]))
	}
	if m := messageUntil().FindStringSubmatch(text); m != nil {
		return interval(utc(m[1]), now)
	}
	if m := messageOne().FindStringSubmatch(text); m != nil {
		return unitOf(m[1])
	}
	if m := messageDate().FindStringSubmatch(text); m != nil {
		return untilDate(m, now)
	}
	if m := messageClock().FindStringSubmatch(text); m != nil {
		if hour, minute, ok := clockOf(m[1]); ok {
			return nextClock(now, zoneOf(m[2]), hour, minute)
		}
	}
	return 0
}

// untilDate reads "Nov 20th, 2026 3:45 PM" and "20 Nov 2026 12:10:00 GMT".
func untilDate(m []string, now time.Time) time.Duration {
	year := m[5]
	if year == "" {
		year = now.UTC().Format("2006")
	}
	day, err := time.Parse("2 Jan 2006", firstOf(m[1], m[4])+" "+capitalized(firstOf(m[2], m[3]))+" "+year)
	hour, minute, ok := clockOf(m[6] + m[7])
	if err != nil || !ok {
		return 0
	}
	at := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, zoneOf(m[8]))
	return max(at.Sub(now), 0)
}

func capitalized(s string) string { return strings.ToUpper(s[:1]) + strings.ToLower(s[1:]) }

func isChinese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r >= 0x4E00 && r <= 0x9FFF })
}

// clockOf reads "midnight", "5pm", "3:30 am" and "14:00".
func clockOf(text string) (hour, minute int, ok bool) {
	text = strings.ToLower(strings.ReplaceAll(text, " ", ""))
	if text == "midnight" {
		return 0, 0, true
	}
	half := ""
	for _, suffix := range []string{"am", "pm"} {
		if t, found := strings.CutSuffix(text, suffix); found {
			text, half = t, suffix
		}
	}
	h, m, _ := strings.Cut(text, ":")
	hour, minute = int(number(h)), int(number(m))
	if half != "" {
		hour %= 12
	}
	if half == "pm" {
		hour += 12
	}
	return hour % 24, minute, hour <= 24 && minute < 60
}

// zoneOf returns the time zone that a text names; UTC if it is unknown.
func zoneOf(name string) *time.Location {
	name = strings.ReplaceAll(name, " ", "")
	if strings.Contains(name, "/") {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	switch name = strings.ToLower(name); name {
	case "pt", "pst", "pdt", "pacific":
		return zoneOr("America/Los_Angeles", -8)
	case "et", "est", "edt", "eastern":
		return zoneOr("America/New_York", -5)
	case "beijing", "cst", "asia/shanghai", "china":
		return beijing
	}
	for _, prefix := range []string{"utc", "gmt"} {
		if offset, found := strings.CutPrefix(name, prefix); found {
			if hours, err := strconv.Atoi(offset); err == nil {
				return time.FixedZone("", hours*3600)
			}
		}
	}
	return time.UTC
}

// zoneOr returns a zone from the system's database, or one with a fixed offset if
// there is no database.
func zoneOr(name string, hours int) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	return time.FixedZone("", hours*3600)
}

// nextClock returns the duration until the given local time in a zone.
func nextClock(now time.Time, zone *time.Location, hour, minute int) time.Duration {
	there := now.In(zone)
	at := time.Date(there.Year(), there.Month(), there.Day(), hour, minute, 0, 0, zone)
	if !at.After(there) {
		at = at.AddDate(0, 0, 1)
	}
	return at.Sub(now)
}

// utc rewrites "2026-12-01 00:00:00 UTC" as RFC 3339.
func utc(v string) string {
	v = strings.Replace(v, " at ", " ", 1)
	if t, ok := strings.CutSuffix(v, " UTC"); ok {
		return strings.Replace(t, " ", "T", 1) + "Z"
	}
	return v
}

// number parses a number that an expression matched, also in Chinese up to 99.
func number(digits string) float64 {
	if n, err := strconv.ParseFloat(digits, 64); err == nil {
		return n
	}
	if digits == "半" {
		return 0.5
	}
	total, digit := 0, 0
	for _, r := range strings.ReplaceAll(digits, "两", "二") {
		if r == '十' {
			total += max(digit, 1) * 10
			digit = 0
			continue
		}
		digit = max(strings.Index(digitsZh, string(r))/len("一")+1, 0)
	}
	return float64(total + digit)
}

const digitsZh = "一二三四五六七八九"

// sumOf adds the parts of "2h 3m 4.5s".
func sumOf(s string) time.Duration {
	total := 0.0
	for _, m := range amountPart().FindAllStringSubmatch(s, -1) {
		total += number(m[1]) * unitOf(m[2]).Seconds()
	}
	return seconds(total)
}

func unitOf(name string) time.Duration {
	name = strings.ToLower(name)
	switch {
	case strings.HasPrefix(name, "ms"), strings.HasPrefix(name, "milli"), name == "毫秒":
		return time.Millisecond
	case strings.HasPrefix(name, "m"), name == "分钟", name == "分":
		return time.Minute
	case strings.HasPrefix(name, "h"), name == "小时":
		return time.Hour
	case strings.HasPrefix(name, "d"), name == "天":
		return 24 * time.Hour
	}
	return time.Second
}
