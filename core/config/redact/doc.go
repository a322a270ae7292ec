// Package redact hides the secrets in the texts of a configuration: with stars in
// messages, and with placeholders in a text that is to come back.
package redact
