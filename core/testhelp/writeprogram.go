package testhelp

import (
	"os"
	"syscall"
)

// WriteProgram is [os.WriteFile] for a file that is executed afterwards. A process that
// another test starts while the file is open for writing would hold it open until its
// exec, and Linux does not execute a file that is open for writing ("text file busy").
func WriteProgram(path string, content []byte, mode os.FileMode) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, content, mode)
}
