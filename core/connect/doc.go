// Package connect knows how apps are configured to use the proxy: their settings, the
// files with these settings, and the request that a check sends. Files are edited in place,
// so that comments and all other settings stay.
package connect
