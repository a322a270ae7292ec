// Package pluginsource gets plugins from where their authors publish them: releases of a
// repository on GitHub, an archive at an https address, or archives on this machine. It
// checks checksums and signatures, and extracts the executable from an archive. Package
// trust decides what may run.
package pluginsource
