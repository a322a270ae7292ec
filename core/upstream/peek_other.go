//go:build !unix

package upstream

func peekSocket(uintptr) peekResult { return peekUnknown }
