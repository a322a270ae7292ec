// Package block reads the blocks of a configuration. The tags of a struct, or the schema of a plugin, declare
// which settings a block has. An example and the documentation are generated from the same declarations.
package block
