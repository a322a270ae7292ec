// Package fileaccess explains why an account may not use a file: which account tried,
// who owns the file, and which command solves the problem. A service accesses its
// files with its own account, and the system only says "permission denied".
package fileaccess
