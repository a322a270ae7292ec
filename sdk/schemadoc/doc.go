// Package schemadoc writes the documentation of a component from the plugin's description:
// its text, its settings and an example to copy. `aitunnel plugin info` prints it, and the
// pages in docs/plugins contain it.
package schemadoc
