// Package hangup receives SIGHUP, which Windows does not have.
package hangup

import "os"

// C never receives anything.
func C() <-chan os.Signal { return nil }

// BeforeExec does nothing.
func BeforeExec() (undo func()) { return func() {} }

// Release does nothing.
func Release() {}
