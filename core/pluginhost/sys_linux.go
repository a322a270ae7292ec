package pluginhost

import "syscall"

// sysProcAttr gives the process its own group, which is signaled as a whole and does not
// receive the terminal's Ctrl-C. The process is killed when its parent ends.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
