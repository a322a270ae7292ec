package fileaccess

import "os"

// Explain returns err.
func Explain(_ string, err error) error { return err }

// Command returns the command.
func Command(command, _ string) string { return command }

// CheckAppend does not know: the permissions of Windows are not looked at.
func CheckAppend(string) error { return nil }

// MakePrivate returns nothing: there are no modes.
func MakePrivate(string, os.FileInfo) string { return "" }
