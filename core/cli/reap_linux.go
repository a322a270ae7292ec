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

// reapInterval is longer than anything in the program takes to wait for a child of
// its own that has ended.
const reapInterval = 2 * time.Second

// reapOrphans waits, as the first process of a container has to, for children that
// the program did not start: processes whose parents have ended. It does nothing in
// any other process.
func reapOrphans(ctx context.Context) {
	if os.Getpid() != 1 {
		return
	}
	ended := map[int]bool{} // at the last look
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
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // somebody may have waited for it meanwhile
			}
		}
		ended = now
	}
}

// zombies are children of this process that have ended and were not waited for.
func zombies() (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // no error with a pattern that is right
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
