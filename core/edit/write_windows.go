package edit

import "os"

// keepOwner has nothing to do: a new file inherits its owner and permissions
// from the directory.
func keepOwner(*os.File, os.FileInfo) bool { return true }
