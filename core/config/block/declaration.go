package block

import "reflect"

// Declaration is a block of the configuration: its purpose, and the value of a block without
// settings, whose fields declare the settings.
type Declaration struct {
	Name     string
	Label    string // what the label is, "" for a block without one
	Sample   string // a label for the example
	Repeated bool
	Doc      string
	Value    any      // a pointer to a struct; nil: see its doc
	Body     []string // of the example, if there is no value

	Used      bool // the example of the block around it has it outside of a comment
	Elsewhere bool // it is not documented as part of the block around it
}

// Reference prints declarations as an example and as documentation.
type Reference struct {
	// Inner returns the declaration of a block inside a block, by the setting and its field.
	Inner func(s Setting, field reflect.Value) Declaration
}

// another returns the declaration of the block that is another form of an attribute.
func (ref Reference) another(s Setting) Declaration {
	return ref.Inner(Setting{Name: s.Block, Role: RoleBlocks}, reflect.Value{})
}
