package verdict

import (
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// retryNames are the fields of errors that contain a time, in lower case and without
// separators: first those that say how long to wait, then how long a limit lasts, then
// when it ends. The value is the unit of a number without one.
var retryNames = [...]map[string]time.Duration{
	{
		"retrydelay": time.Second, "retryafter": time.Second, "retryafterseconds": time.Second, "retryaftersec": time.Second, "retryaftersecs": time.Second,
		"retryin": time.Second, "retryinseconds": time.Second, "waitseconds": time.Second, "waitforseconds": time.Second, "waittimeseconds": time.Second,
		"cooldownseconds": time.Second, "cooldownremaining": time.Second, "backoffseconds": time.Second, "penaltyseconds": time.Second,
		"retryafterms": time.Millisecond, "retrydelayms": time.Millisecond, "retryinms": time.Millisecond, "waitms": time.Millisecond,
		"retryafterminutes": time.Minute, "waitminutes": time.Minute,
	},
	{
		"resetsinseconds": time.Second, "resetinseconds": time.Second, "resetseconds": time.Second, "resetin": time.Second, "resetsin": time.Second,
		"resetafter": time.Second, "resetafterseconds": time.Second, "secondsuntilreset": time.Second, "timeuntilreset": time.Second,
		"remainingseconds": time.Second, "quotaresetdelay": time.Second, "resetinms": time.Millisecond, "resetafterms": time.Millisecond,
		"remainingminutes": time.Minute, "resetinminutes": time.Minute,
	},
	{
		"resetsat": time.Second, "resetat": time.Second, "resettime": time.Second, "resettimestamp": time.Second, "quotaresetat": time.Second,
		"quotaresettimestamp": time.Second, "nextreset": time.Second, "nextresetat": time.Second, "nextresettime": time.Second, "limitresetsat": time.Second,
		"availableat": time.Second, "nextavailableat": time.Second, "retryat": time.Second, "nextretryat": time.Second, "cooldownuntil": time.Second,
		"blockeduntil": time.Second, "limiteduntil": time.Second, "ratelimitreset": time.Second, "xratelimitreset": time.Second,
	},
}

var withoutDividers = strings.NewReplacer("_", "", "-", "")

// retryFields returns the time in a field of the error, or of the document around it.
func (f *failure) retryFields(now time.Time) time.Duration {
	const deepest = 5
	documents := []object{f.err, f.doc}
	if f.within != nil {
		documents = append(documents, f.within.err, f.within.doc)
	}
	for _, o := range documents {
		var found [len(retryNames)]time.Duration
		for _, field := range o {
			collectTimes(field.name, field.value, now, deepest, &found)
		}
		for _, d := range found {
			if d > 0 {
				return d
			}
		}
	}
	return 0
}

// collectTimes collects the longest times in a value and the values inside it.
func collectTimes(name string, v gjson.Result, now time.Time, depth int, found *[len(retryNames)]time.Duration) {
	const most = 32
	if v.IsObject() || v.IsArray() {
		if s := v.Get("seconds"); s.Exists() && v.IsObject() { // a duration of Google's as an object
			collectTimes(name, s, now, 0, found)
		}
		if depth > 0 {
			n := 0
			v.ForEach(func(k, inner gjson.Result) bool {
				if n++; v.IsObject() {
					name = k.Str
				}
				collectTimes(name, inner, now, depth-1, found)
				return n < most
			})
		}
		return
	}
	text := scalar(v)
	if text == "" || len(name) > 32 {
		return
	}
	plain := strings.ToLower(withoutDividers.Replace(name))
	for i, names := range retryNames {
		if unit, ok := names[plain]; ok {
			found[i] = max(found[i], inUnit(interval(text, now), text, unit))
		}
	}
}

// inUnit corrects a bare number that interval took for seconds.
func inUnit(d time.Duration, v string, unit time.Duration) time.Duration {
	if n, err := strconv.ParseFloat(v, 64); err == nil && n < 1e9 {
		return seconds(n * unit.Seconds())
	}
	return d
}
