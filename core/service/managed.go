package service

import "os"

// Managed reports whether this process was started by a service manager that waits for
// it by its number: launchd names the service to it.
func Managed() bool { return current == "darwin" && os.Getenv("XPC_SERVICE_NAME") == launchdName }
