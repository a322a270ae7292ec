// Package block reads the blocks of a configuration by the settings that the tags of structs, or
// the schemas of plugins, declare; from the same declarations it
// prints an example and the documentation.
package block
