// Package diff says what changes if one configuration replaces another, and what that does to the live state.
package diff
