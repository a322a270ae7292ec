package schemadoc

import "github.com/aitunnel/aitunnel/sdk"

// Block returns the type of the configuration block that names a component of the kind.
func Block(k sdk.Kind) string {
	if k == sdk.KindHealthChecker {
		return "health_check"
	}
	return string(k)
}

// Reserved returns the settings of such a block that belong to aitunnel: a component cannot
// have settings with these names.
func Reserved(k sdk.Kind) []string {
	switch k {
	case sdk.KindHealthChecker:
		return []string{"interval", "timeout", "fall", "rise"}
	case sdk.KindStrategy:
		return []string{"on_failure", "expose"}
	}
	return []string{"on_failure"}
}

// ofEveryBlock describes the settings of [Reserved].
func ofEveryBlock(c sdk.ComponentDescription) string {
	if c.Kind == sdk.KindHealthChecker {
		return "Every health_check block also has the settings `interval`, `timeout`, and `fall` and `rise`: how many checks in a row must fail before the channel is down, and succeed before it is up again."
	}
	text := "Every " + Block(c.Kind) + " block also has the setting `on_failure`: what is used while there is no plan, or the last one is too old. It is \"round-robin\" (the default), \"priority\", \"weighted\", \"least-busy\", or \"last-plan\", which is the last plan, however old."
	if c.Router {
		text += " The setting `expose` lists the parts of a request's body that it may see, such as \"body.user\"; the prompt is in the body."
	}
	return text
}
