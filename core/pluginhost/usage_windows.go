package pluginhost

// readUsage is not supported on Windows.
func readUsage(int) (usage, bool) { return usage{}, false }
