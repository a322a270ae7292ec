// Command bench measures aitunnel beside other proxies, in one run on one
// machine, as figures of different runs on different machines say nothing.
//
// A fake site and every proxy under test run as processes of their own; the
// load comes from this one. The proxies take turns in short rounds, so that
// noise hits all alike, and the medians are shown. CPU and memory are those of
// a proxy's whole process tree, plugins included.
//
// The module stands apart, so that what it measures with is no dependency of
// the product. It reads /proc, and so runs on Linux only.
package main
