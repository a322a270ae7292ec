//go:build !unix

package upstream

func descriptorLimit() int { return 0 }
