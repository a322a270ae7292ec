// Package legacy reads the YAML files of the earlier program, of both versions, as the
// equivalent blocks of HCL.
package legacy
