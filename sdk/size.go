package sdk

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

var sizeUnits = []struct {
	name  string
	bytes float64
}{
	// Longest names first: "MiB" also ends in "B".
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"B", 1},
}

// ParseSize parses a number of bytes with a unit: B, KiB, MiB, GiB, TiB, or the decimal KB,
// MB, GB, TB. Fractions such as "1.5GiB" are allowed; a number without a unit is an error.
func ParseSize(s string) (Size, error) {
	for _, unit := range sizeUnits {
		number, ok := strings.CutSuffix(s, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(n >= 0) || n*unit.bytes >= math.MaxInt64 {
			break
		}
		return Size(n * unit.bytes), nil
	}
	return 0, fmt.Errorf("%q is not a size: write a number and a unit, such as \"64MiB\"", s)
}

// String returns the size in the largest binary unit that divides it evenly: "64MiB".
func (s Size) String() string {
	name, bytes := "B", int64(1)
	for _, unit := range sizeUnits[:4] {
		if n := int64(unit.bytes); s != 0 && int64(s)%n == 0 {
			name, bytes = unit.name, n
		}
	}
	return strconv.FormatInt(int64(s)/bytes, 10) + name
}
