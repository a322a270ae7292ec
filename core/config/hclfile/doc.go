// Package hclfile reads the files of a configuration, within limits of size, time and nesting,
// and parses them as HCL.
package hclfile
