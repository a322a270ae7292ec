// Package pluginsource downloads plugins from where their authors publish them: releases of
// a repository on GitHub, or an archive at an https address. It checks checksums and
// signatures, and extracts the executable from an archive. Package trust decides what may
// run.
package pluginsource
