//go:build !linux

package bind

// holderOf is not implemented on this system.
func holderOf(string) string { return "" }
