// Package pluginhost finds, starts, configures, supervises and stops plugin
// processes, so that the rest of the program can treat a component in another
// process as a value that is sometimes unavailable, and never worse than that.
package pluginhost
