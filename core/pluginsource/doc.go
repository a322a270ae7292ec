// Package pluginsource gets plugins from where their authors publish them: releases of
// a repository on GitHub, or an archive at an https address. It checks sums and
// signatures, and takes one executable out of an archive; what may run is decided by
// package trust.
package pluginsource
