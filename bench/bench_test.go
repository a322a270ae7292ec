package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The relays and the site are this binary, as in the command.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestOverheadOverTheBareRelay checks ratios within one run, with room for the noise of a
// short one. Figures over the limits, as on a busy machine, are measured again.
func TestOverheadOverTheBareRelay(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("CPU time is read from /proc, which does not exist here")
	}
	binary := filepath.Join(t.TempDir(), "aitunnel")
	build := exec.Command("go", "build", "-o", binary, "github.com/aitunnel/aitunnel")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var slow []string
	for range 3 {
		if slow = compareWithBareRelay(ctx, t, binary); len(slow) == 0 {
			return
		}
	}
	t.Error(strings.Join(slow, "\n"))
}

// compareWithBareRelay measures once. It fails the test for what does not depend on the
// machine, and returns the figures that are too slow.
func compareWithBareRelay(ctx context.Context, t *testing.T, binary string) (slow []string) {
	r, err := measure(ctx, options{
		aitunnel: binary, only: []string{"nethttp", "aitunnel"}, conns: 64, rounds: 3, duration: time.Second,
		streams: 500, pace: 100 * time.Millisecond, hold: time.Second, progress: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = r.print(t.Output())
	of := func(name string) result {
		return r.Results[slices.IndexFunc(r.Results, func(x result) bool { return x.Name == name })]
	}
	bare, ours := of("nethttp"), of("aitunnel")
	if ours.Failed > 0 || ours.Requests == 0 || ours.Whole != ours.Opened {
		t.Errorf("%d of %d requests failed, %d of %d streams were complete: %s", ours.Failed, ours.Requests, ours.Whole, ours.Opened, ours.Fault)
	}
	if ours.Calls[0] != ours.Calls[1] {
		t.Errorf("%d calls to plugins were made during the requests", ours.Calls[1]-ours.Calls[0])
	}
	if ours.Idle > 56 { // of which 30 are pages of the executable, which the system can take back
		t.Errorf("%.1f MiB when idle", ours.Idle)
	}
	if ours.Relative > 1.6 {
		slow = append(slow, fmt.Sprintf("a request takes %.2f times the CPU of the bare relay's", ours.Relative))
	}
	if ours.FirstP50 > 2*bare.FirstP50+1 {
		slow = append(slow, fmt.Sprintf("first tokens come after %.2f ms, the bare relay's after %.2f ms", ours.FirstP50, bare.FirstP50))
	}
	return slow
}
