// Package legacy reads the YAML files of the earlier program, of both versions, as
// the blocks of HCL that mean the same.
package legacy
