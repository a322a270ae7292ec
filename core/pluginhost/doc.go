// Package pluginhost finds, starts, configures, supervises and stops plugin processes. For
// the rest of the program, a component in another process is a value whose calls may return
// [sdk.ErrUnavailable], but never hang or crash the program.
package pluginhost
