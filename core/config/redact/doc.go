// Package redact hides the secrets of a configuration: with stars in messages, and with placeholders in texts that can
// be edited and sent back.
package redact
