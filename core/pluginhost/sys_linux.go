package pluginhost

import "syscall"

// sysProcAttr gives the process a group of its own, to be signalled as a whole
// and out of reach of the terminal's Ctrl-C, and has it killed with its parent.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
