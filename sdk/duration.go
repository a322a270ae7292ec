package sdk

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

var errDuration = errors.New("not a duration")

// maxDays bounds the days of a duration: a hundred years.
const maxDays = 36500

// ParseDuration is like [time.ParseDuration], with the additional units d (24 hours) and w,
// which come before the others: "30d", "2w", "1d12h".
func ParseDuration(s string) (time.Duration, error) {
	var days time.Duration
	left := s
	for {
		i := strings.IndexFunc(left, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if i <= 0 || left[i] != 'd' && left[i] != 'w' {
			break
		}
		n, err := strconv.ParseFloat(left[:i], 64)
		if left[i] == 'w' {
			n *= 7
		}
		if err != nil || n > maxDays {
			return 0, errDuration
		}
		days += time.Duration(n * float64(24*time.Hour))
		left = left[i+1:]
	}
	if left == "" && s != "" {
		return days, nil
	}
	rest, err := time.ParseDuration(left)
	if err == nil && left != s && (rest < 0 || left[0] == '+' || rest > math.MaxInt64-days) {
		err = errDuration
	}
	return days + rest, err
}
