// Package fileaccess explains why an account may not use a file: who tried, whose the
// file is, and the command that helps. A service reads its files with an account of its
// own, and the system says no more than "permission denied".
package fileaccess
