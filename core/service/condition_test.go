package service

import (
	"strings"
	"testing"
)

// TestAdvice for a service that does not answer, by the output of systemctl show.
func TestAdvice(t *testing.T) {
	for _, c := range []struct {
		shown string
		want  []string
		not   string
	}{
		{"ActiveState=activating\nSubState=auto-restart\nResult=signal\nExecMainCode=2\nExecMainStatus=9\n", []string{"failed (ended by signal 9, killed)", "systemd starts it again within seconds", "journalctl -u aitunnel"}, "systemctl start"},
		{"ActiveState=activating\nSubState=auto-restart\nResult=exit-code\nExecMainCode=1\nExecMainStatus=4\n", []string{"configuration is not valid", "'sudo aitunnel validate'", "within seconds"}, "exit code"},
		{"ActiveState=activating\nSubState=auto-restart\nResult=watchdog\nExecMainCode=3\nExecMainStatus=6\n", []string{"did not answer for a minute"}, "signal"},
		{"ActiveState=failed\nSubState=failed\nResult=exit-code\nExecMainCode=1\nExecMainStatus=1\n", []string{"failed (exit code 1)", "journalctl -u aitunnel", "sudo systemctl start aitunnel"}, "validate"},
		{"ActiveState=failed\nSubState=failed\nResult=exit-code\nExecMainCode=1\nExecMainStatus=4\n", []string{"'sudo aitunnel validate'", "sudo systemctl start aitunnel"}, "seconds"},
		{"ActiveState=activating\nSubState=start\nResult=success\nExecMainCode=0\nExecMainStatus=0\n", []string{"is starting"}, "systemctl"},
		{"ActiveState=deactivating\nSubState=stop-sigterm\n", []string{"is stopping"}, "systemctl"},
		{"ActiveState=inactive\nSubState=dead\nResult=success\nExecMainCode=1\nExecMainStatus=0\n", []string{"is stopped", "sudo systemctl start aitunnel"}, "journalctl"},
		{"", []string{"is stopped", "sudo systemctl start aitunnel"}, "failed"},
	} {
		got := parseCondition(c.shown).advice()
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%q does not contain %q, for\n%s", got, want, c.shown)
			}
		}
		if strings.Contains(got, c.not) {
			t.Errorf("%q contains %q, for\n%s", got, c.not, c.shown)
		}
	}
}
