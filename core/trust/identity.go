package trust

import (
	"fmt"
	"io/fs"
)

// Identity changes with a file's content, as far as its attributes tell.
func Identity(info fs.FileInfo) string {
	return fmt.Sprintf("%d %d %s %s", info.Size(), info.ModTime().UnixNano(), info.Mode(), sysIdentity(info))
}
