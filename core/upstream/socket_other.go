//go:build !unix

package upstream

// canVisit: Windows waits for a socket in another way.
const canVisit = false

func peekSocket(uintptr) peekResult { return peekUnknown }

func writeSocket(uintptr, []byte) (int, error) { return 0, nil }
