package service

import "os"

// Managed reports whether this process was started by a service manager that tracks it by
// its PID, which is launchd: it sets XPC_SERVICE_NAME.
func Managed() bool { return thisOS == "darwin" && os.Getenv("XPC_SERVICE_NAME") == launchdName }
