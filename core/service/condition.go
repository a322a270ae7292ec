package service

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// condition is the state of the system service according to systemd.
type condition struct {
	active, sub string // ActiveState and SubState
	result      string // how it failed
	code        int    // how its last process ended: exited, killedBy or dumpedBy
	status      int    // its exit code, or the signal
}

// How a process ended, as in waitid(2).
const (
	exited   = 1
	killedBy = 2
	dumpedBy = 3
)

// exitInvalid is the program's exit code for an invalid configuration.
const exitInvalid = 4

// Advice explains why the system service does not answer, and what to do.
func Advice() string {
	out, _ := exec.Command("systemctl", "show", "--property=ActiveState,SubState,Result,ExecMainCode,ExecMainStatus", name+".service").Output() // without systemd: as if stopped
	return parseCondition(string(out)).advice()
}

func parseCondition(text string) (c condition) {
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		number, _ := strconv.Atoi(value) // 0 unless the property is a number
		switch key {
		case "ActiveState":
			c.active = value
		case "SubState":
			c.sub = value
		case "Result":
			c.result = value
		case "ExecMainCode":
			c.code = number
		case "ExecMainStatus":
			c.status = number
		}
	}
	return c
}

func (c condition) advice() string {
	const (
		start = "start it with 'sudo systemctl start aitunnel'"
		stop  = "to keep it stopped: sudo systemctl stop aitunnel"
	)
	switch {
	case c.sub == "auto-restart" && c.isInvalid():
		return "the system service does not start: " + c.reason() + ". Once that is corrected, systemd starts it within seconds; " + stop
	case c.sub == "auto-restart":
		return fmt.Sprintf("the system service failed (%s), and systemd starts it again within seconds; see why: %s; %s", c.reason(), LogCommand(true), stop)
	case c.active == "activating":
		return "the system service is starting"
	case c.active == "deactivating":
		return "the system service is stopping"
	case c.active == "failed" && c.isInvalid():
		return "the system service failed: " + c.reason() + ". Once that is corrected, " + start
	case c.active == "failed":
		return fmt.Sprintf("the system service failed (%s); see why: %s. Then %s", c.reason(), LogCommand(true), start)
	case c.active == "active" || c.active == "reloading":
		return "the system service is active, but has no control socket; restart it with 'sudo systemctl restart aitunnel'"
	}
	return "the system service is stopped; " + start
}

func (c condition) isInvalid() bool { return c.code == exited && c.status == exitInvalid }

// reason returns why the service failed.
func (c condition) reason() string {
	switch {
	case c.isInvalid():
		return "its configuration is not valid, see 'sudo aitunnel validate'"
	case c.result == "watchdog":
		return "it did not answer for a minute"
	case c.result == "timeout":
		return "it took too long to start or stop"
	case c.result == "oom-kill":
		return "the system ran out of memory"
	case c.code == killedBy || c.code == dumpedBy:
		return fmt.Sprintf("ended by signal %d, %s", c.status, syscall.Signal(c.status))
	}
	return fmt.Sprintf("exit code %d", c.status)
}
