// Package host is the host's side of the protocol: aitunnel and package sdktest use it to
// call plugins. Authors of plugins do not need it.
package host
