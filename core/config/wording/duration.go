package wording

import (
	"fmt"
	"strings"
	"time"
)

// Duration writes a duration as people do: 1m, not 1m0s, and two days and more as days.
func Duration(d time.Duration) string {
	if day := 24 * time.Hour; d >= 2*day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Size writes a number of bytes with the largest unit that needs no fraction: 64MiB.
func Size(n int64) string {
	for i, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if bytes := int64(1) << (40 - 10*i); n > 0 && n%bytes == 0 {
			return fmt.Sprintf("%d%s", n/bytes, unit)
		}
	}
	return fmt.Sprintf("%dB", n)
}
