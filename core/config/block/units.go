package block

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

func parseDuration(s string) (time.Duration, error) {
	d, err := sdk.ParseDuration(s)
	if err != nil {
		if _, bare := strconv.ParseFloat(s, 64); bare == nil {
			return 0, fmt.Errorf("%q has no unit: write \"%ss\" for seconds or \"%sms\" for milliseconds", s, s, s)
		}
		return 0, fmt.Errorf("%q is not a valid duration: expected a number with a unit, such as \"500ms\", \"10s\", \"1m30s\" or \"30d\"", s)
	}
	if d < 0 {
		return 0, fmt.Errorf("%q is negative: a duration must be 0 or more", s)
	}
	return d, nil
}

var sizeUnits = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

func parseSize(s string) (int64, error) {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err != nil || math.IsNaN(n) || n < 0 || n*u.bytes >= 1<<62 {
			break
		}
		return int64(n * u.bytes), nil
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return 0, fmt.Errorf("%q has no unit: write \"%sB\" for bytes or \"%sMiB\"", s, s, s)
	}
	return 0, fmt.Errorf("%q is not a valid size: expected a number with a unit, such as \"512KiB\" or \"64MiB\"", s)
}
