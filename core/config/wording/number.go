package wording

import (
	"math"
	"strconv"
)

// Number writes a number as a user would.
func Number(n float64) string {
	if math.Abs(n) < 1e15 {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return strconv.FormatFloat(n, 'g', -1, 64)
}
