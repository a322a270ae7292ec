//go:build !linux

package hclfile

import (
	"errors"
	"os"
)

// memoryFile is not available on this system.
func memoryFile(name string, _ []byte) (*os.File, error) {
	return nil, errors.New("the configuration came from " + name + ", which the next process cannot read again: stop and start instead")
}
