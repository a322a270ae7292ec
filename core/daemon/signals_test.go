//go:build unix

package daemon_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

func TestTheBuiltInPluginIsKilledUnderLoad(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	primary.Record(false)
	r := start(t, two(primary, backup, "log {\n level = \"warn\"\n}\nroute \"/v1/**\" {\n channels = [channel.primary, channel.backup]\n strategy \"lowest-latency\" {}\n}\n"))
	kills, rate := 3, 50
	if testhelp.Soak() {
		kills, rate = 20, 200
	}
	stop := r.hammer(rate, chat, ask)
	defer stop()
	answered := func() int { return primary.Count() + backup.Count() }
	for i := range kills {
		before, begun := r.process("built-in"), answered()
		if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
			t.Fatalf("kill %d: %v", i+1, err)
		}
		testhelp.Eventually(t, "the plugin runs again", func() bool {
			now := r.process("built-in")
			return now.State == "running" && now.PID != before.PID
		})
		testhelp.Eventually(t, "ten more requests were answered", func() bool { return answered() >= begun+10 })
	}
	stop()
	if p := r.process("built-in"); p.Restarts != kills {
		t.Errorf("%d restarts", p.Restarts)
	}
}

func TestASuspendedPluginIsReplaced(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, "log {\n level = \"warn\"\n}\n"))
	stop := r.hammer(50, chat, ask)
	defer stop()
	before := r.process("built-in")
	testhelp.Suspend(t, before.PID)
	testhelp.Eventually(t, "a new process runs", func() bool {
		now := r.process("built-in")
		return now.State == "running" && now.PID != before.PID
	})
	testhelp.Eventually(t, "the suspended process has ended", func() bool {
		return errors.Is(syscall.Kill(before.PID, 0), syscall.ESRCH)
	})
	stop()
}
