// Package schemadoc writes the page of a component from what its plugin says of
// itself: the documentation, the settings and an example that can be copied. It
// is the text of `aitunnel plugin info`, and of the pages in docs/plugins.
package schemadoc
