// Package sdktest checks that a component conforms to the contract of package sdk. One line
// in a test of the plugin is enough:
//
//	func TestConformance(t *testing.T) { sdktest.Strategy(t, factory) }
//
// The component is served over the real wire: for most checks in this process, and for
// those about its shutdown and its log in a process of its own, which is the test binary
// started again. So `go test -run` with the name of the test must reach the line. Tests that
// use the kit must not run in parallel with others, whose goroutines would look like leaks.
//
// Run the tests with -race: the component gets 64 calls at once.
//
// [Simulate] helps to test what the kit cannot know, which is how a strategy or key
// selector is supposed to choose: it applies plans as aitunnel does, on simulated sites.
// [Program] runs a real aitunnel with the plugin.
package sdktest
