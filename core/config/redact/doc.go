// Package redact hides the secrets in the texts of a configuration: with stars in messages, and with
// placeholders in texts that may be sent back.
package redact
