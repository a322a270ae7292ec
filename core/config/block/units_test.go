package block

import (
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"500ms": 500 * time.Millisecond, "1m30s": 90 * time.Second, "30d": 720 * time.Hour, "0s": 0} {
		if got, err := parseDuration(text); got != want || err != nil {
			t.Errorf("%s: got %v and %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"10": "has no unit", "soon": "is not a valid duration", "": "is not a valid duration", "-1s": "is negative"} {
		if _, err := parseDuration(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", text, err, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"0B": 0, "512KiB": 512 << 10, "1.5 GiB": 3 << 29, "64MB": 64e6, "2kB": 2000, "2KB": 2000, "1TB": 1e12} {
		if got, err := parseSize(text); got != want || err != nil {
			t.Errorf("%s: got %d and %v, want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"10": "has no unit", "5 sacks": "is not a valid size", "-1B": "is not a valid size", "NaNB": "is not a valid size", "9e18TB": "is not a valid size", "": "is not a valid size"} {
		if _, err := parseSize(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", text, err, want)
		}
	}
}
