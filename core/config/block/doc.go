// Package block reads the blocks of a configuration by the settings that the tags of structs, or
// the schemas of plugins, declare.
package block
