// Package route chooses: it matches a request to a route, and turns the plans
// that strategies and key selectors made in other processes into picks of a
// channel and a key, on live state and without a call.
package route
