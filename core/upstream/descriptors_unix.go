//go:build unix

package upstream

import (
	"math"

	"golang.org/x/sys/unix"
)

func descriptorLimit() int {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) != nil || uint64(r.Cur) > math.MaxInt32 { //nolint:unconvert // it is signed on some systems
		return 0
	}
	return int(r.Cur)
}
