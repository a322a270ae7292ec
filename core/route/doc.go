// Package route matches a request to a route, and picks a channel and a key for
// it. It applies the plans of strategies and key selectors, which run in other processes, to
// live state, and does not wait for them.
package route
