// Package connect knows how apps are configured to use the proxy: their settings, the
// files in which they keep them, and the request that they send first. Files
// are edited in place, so that comments and all other settings stay.
package connect
