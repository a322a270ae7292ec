package schemadoc

import "github.com/aitunnel/aitunnel/sdk"

// Block returns the block of a configuration in which a component of the kind is
// named.
func Block(k sdk.Kind) string {
	if k == sdk.KindHealthChecker {
		return "health_check"
	}
	return string(k)
}

// Reserved returns the settings in such a block that are aitunnel's own: a
// component's would never be seen under these names.
func Reserved(k sdk.Kind) []string {
	switch k {
	case sdk.KindHealthChecker:
		return []string{"interval", "timeout", "fall", "rise"}
	case sdk.KindStrategy:
		return []string{"on_failure", "expose"}
	}
	return []string{"on_failure"}
}

// ofEveryBlock tells of those.
func ofEveryBlock(c sdk.ComponentDescription) string {
	if c.Kind == sdk.KindHealthChecker {
		return "Every health_check block also takes `interval`, `timeout`, and how many checks in a row make the channel unhealthy and healthy again: `fall` and `rise`."
	}
	text := "Every " + Block(c.Kind) + " block also takes `on_failure`, which says what serves while there is no plan and the last one is too old: \"round-robin\", the default, \"priority\", \"weighted\", \"least-busy\", or \"last-plan\", however old."
	if c.Router {
		text += " And `expose` lists the parts of a request's body that it may be told, such as \"body.user\"; the prompt is in the body."
	}
	return text
}
