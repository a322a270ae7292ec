// Package sdktest checks that a component keeps the contract of package sdk.
// One line in a test of the plugin is enough:
//
//	func TestConformance(t *testing.T) { sdktest.Strategy(t, factory) }
//
// The component is served over the real wire, in this process for most checks
// and in one of its own, which is the test binary started again, for those
// about its end and its log. So the line has to stand where the test binary
// comes to by `-run` with the name of the test, and tests that use the kit do
// not run in parallel with others, whose goroutines would look like a leak.
//
// Run it with -race: the component is called by 64 callers at once.
//
// What a strategy or a key selector is for, the kit cannot know. [Simulate]
// helps to test that: it lets a plan be used as aitunnel does, on sites that
// are simulated.
package sdktest
