// Package route matches a request to a route, and picks a channel and a key for
// it by applying the plans of strategies and key selectors, which run in other
// processes, to live state, without calling them.
package route
