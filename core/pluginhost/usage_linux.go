package pluginhost

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// clockTick is the unit of CPU times in /proc; it is the same on all platforms
// that Go supports.
const clockTick = 10 * time.Millisecond

func readUsage(pid int) (usage, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, false
	}
	_, after, ok := bytes.Cut(stat, []byte(") ")) // the name in parentheses is ours and contains none
	fields := bytes.Fields(after)
	if !ok || len(fields) < 22 {
		return usage{}, false
	}
	number := func(field int) uint64 {
		n, _ := strconv.ParseUint(string(fields[field-3]), 10, 64) // fields are counted from 1, the first two are cut off
		return n
	}
	return usage{
		cpu:    time.Duration(number(14)+number(15)) * clockTick,
		memory: number(24) * uint64(os.Getpagesize()),
	}, true
}
