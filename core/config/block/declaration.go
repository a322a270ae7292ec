package block

import "reflect"

// Declaration describes a block of the configuration. The fields of its value declare the settings, and have
// their defaults.
type Declaration struct {
	Name     string
	Label    string // what the label is, such as "name"; "" if the block has none
	Sample   string // a label for the example
	Repeated bool
	Doc      string
	Value    any      // a pointer to a struct; nil for a block without fixed settings
	Body     []string // the lines of the example, if there is no value

	Uncommented         bool // the example of the enclosing block has it outside of a comment
	DocumentedElsewhere bool // the documentation of the enclosing block leaves it out
}

// Reference prints declarations as an example and as documentation.
type Reference struct {
	// Inner returns the declaration of a block inside a block, by the setting and its field.
	Inner func(s Setting, field reflect.Value) Declaration
}

// alternative returns the declaration of the block that can be written instead of an attribute.
func (ref Reference) alternative(s Setting) Declaration {
	return ref.Inner(Setting{Name: s.Block, Role: RoleBlocks}, reflect.Value{})
}
