package trust

import (
	"fmt"
	"io/fs"
)

// Identity returns a value that changes when a file is written, according to its
// attributes.
func Identity(info fs.FileInfo) string {
	return fmt.Sprintf("%d %d %s %s", info.Size(), info.ModTime().UnixNano(), info.Mode(), sysIdentity(info))
}
