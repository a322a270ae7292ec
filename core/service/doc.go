// Package service has the system start the proxy and keep it running: by a unit
// of systemd, an agent or daemon of launchd, or a Windows service.
package service
