package cli

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// reapInterval is longer than the program ever takes to wait for one of its own
// children that has ended.
const reapInterval = 2 * time.Second

// reapOrphans waits for processes whose parents have ended, as the first process of a
// container has to. In any other process it does nothing.
func reapOrphans(ctx context.Context) {
	if os.Getpid() != 1 {
		return
	}
	ended := map[int]bool{} // at the last check
	for tick := time.NewTicker(reapInterval); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		now := map[int]bool{}
		for _, pid := range zombies() {
			if now[pid] = true; ended[pid] {
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // it may have been waited for in the meantime
			}
		}
		ended = now
	}
}

// zombies returns the children of this process that have ended but were not waited
// for.
func zombies() (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is valid
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has gone
		}
		_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[0] == "Z" && fields[1] == strconv.Itoa(os.Getpid()) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
