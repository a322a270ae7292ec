// Package service installs the proxy as a service that the system starts and keeps
// running: a systemd unit, a launchd agent or daemon, or a Windows service.
package service
