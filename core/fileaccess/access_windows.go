package fileaccess

import "os"

// Explain returns err.
func Explain(_ string, err error) error { return err }

// Command returns the command.
func Command(command, _ string) string { return command }

// CheckAppend returns nil: permissions are not checked on Windows.
func CheckAppend(string) error { return nil }

// DenyOthers returns "": Windows has no file modes.
func DenyOthers(string) string { return "" }

// MakePrivate returns "": Windows has no file modes.
func MakePrivate(string, os.FileInfo) string { return "" }
