// Command bench compares aitunnel with other proxies, in one run on one machine, since
// figures of different runs or machines cannot be compared.
//
// A fake site and every proxy run in their own processes; this process makes the requests.
// The proxies take turns in short rounds, so that noise affects all alike, and the medians
// are shown. CPU and memory are those of a proxy's whole process tree, including plugins.
//
// It is a separate module, so that its dependencies are not those of the product. It reads
// /proc, so it runs on Linux only.
package main
