//go:build unix

package daemon_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/daemon/handover"
)

// takerEnv makes this program a new process that takes over the state directory and ends.
const takerEnv = "AITUNNEL_TEST_TAKER"

// If the new process ends right after it has taken over the state directory, the old one
// ends with an error: commands could no longer reach it, and a service manager restarts
// aitunnel.
func TestANewProcessThatEndsAfterTakingOver(t *testing.T) {
	if os.Getenv(takerEnv) != "" {
		c := handover.Inherited()
		take := handover.Message{Kind: handover.Take}
		if err := c.Send(take); err != nil {
			t.Fatal(err)
		}
		if answer, err := c.Receive(); err != nil || answer != take {
			t.Fatal(answer, err)
		}
		return
	}
	r := start(t, "channel \"a\" {\n target = \""+site(t, "a").URL()+"\"\n keys = [\"key-a-1\"]\n}\n")
	launch := func(descriptors []int, variables []string) (*os.Process, error) {
		cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestANewProcessThatEndsAfterTakingOver$")
		cmd.Env = append(append(os.Environ(), variables...), takerEnv+"=1")
		for _, fd := range descriptors {
			own, err := syscall.Dup(fd)
			if err != nil {
				return nil, err
			}
			f := os.NewFile(uintptr(own), "")
			defer func() { _ = f.Close() }()
			cmd.ExtraFiles = append(cmd.ExtraFiles, f)
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		return cmd.Process, nil
	}
	if err := r.Replace(t.Context(), launch, func(int) { t.Error("the new process answers") }); err == nil {
		t.Fatal("no error")
	}
	if got := r.post(chat, ask); got.status != 200 {
		t.Errorf("a request after it: %+v", got)
	}
	if _, err := r.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "had taken over") {
		t.Errorf("the wait ended with %v", err)
	}
}
