//go:build unix && !linux

package pluginhost

import (
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// readUsage runs ps, since these systems provide the usage only through C or to root.
func readUsage(pid int) (usage, bool) {
	out, err := exec.Command("ps", "-o", "rss=,time=", "-p", strconv.Itoa(pid)).Output()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) != 2 {
		return usage{}, false
	}
	kib, err := strconv.ParseUint(fields[0], 10, 64)
	if err != nil {
		return usage{}, false
	}
	var cpu time.Duration
	for part := range strings.SplitSeq(strings.Replace(fields[1], "-", ":", 1), ":") { // [[days-]hours:]minutes:seconds
		n, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return usage{}, false
		}
		cpu = cpu*60 + time.Duration(n*float64(time.Second))
	}
	return usage{cpu: cpu, memory: kib << 10}, true
}
