// Package hangup has nothing to do on Windows, where there is no SIGHUP.
package hangup

import "os"

// C never receives anything.
func C() <-chan os.Signal { return nil }

// BeforeExec does nothing.
func BeforeExec() (undo func()) { return func() {} }

// Release does nothing.
func Release() {}
