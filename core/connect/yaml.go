package connect

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// editModels sets the values of the model named aitunnel in the list models, or adds it.
func editModels(lines []string, values [][2]string) ([]string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(joinLines(lines), &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errByHand
	}
	key, models := entryOf(doc.Content[0], "models")
	switch {
	case models == nil:
		return append(append(lines, "models:"), item("  ", values)...), nil
	case models.Style&yaml.FlowStyle != 0 && len(models.Content) == 0:
		lines[key.Line-1] = strings.TrimRight(lines[key.Line-1], " ]["+"\t")
		return slices.Insert(lines, key.Line, item("  ", values)...), nil
	case models.Kind == yaml.ScalarNode && models.Tag == "!!null":
		return slices.Insert(lines, key.Line, item("  ", values)...), nil
	case models.Kind != yaml.SequenceNode || models.Style&yaml.FlowStyle != 0 || len(models.Content) == 0:
		return nil, errByHand
	}
	for _, m := range models.Content {
		if _, name := entryOf(m, "name"); name != nil && name.Value == values[0][1] {
			return updateItem(lines, m, values)
		}
	}
	indent := strings.Repeat(" ", max(0, models.Content[0].Column-3))
	return slices.Insert(lines, key.Line, item(indent, values)...), nil
}

// entryOf finds a key of a mapping and its value.
func entryOf(m *yaml.Node, name string) (key, value *yaml.Node) {
	if m.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i], m.Content[i+1]
		}
	}
	return nil, nil
}

// updateItem changes the values of an item, each on its line.
func updateItem(lines []string, m *yaml.Node, values [][2]string) ([]string, error) {
	for i := len(values) - 1; i >= 0; i-- { // from the end, so that added lines do not move the others
		key, value := entryOf(m, values[i][0])
		switch {
		case key == nil:
			name, _ := entryOf(m, "name")
			lines = slices.Insert(lines, name.Line, strings.Repeat(" ", name.Column-1)+values[i][0]+": "+quoteYAML(values[i][1]))
			var doc yaml.Node
			if err := yaml.Unmarshal(joinLines(lines), &doc); err != nil {
				return nil, err
			}
			return editModels(lines, values)
		case value.Kind != yaml.ScalarNode || value.Line != key.Line || m.Style&yaml.FlowStyle != 0:
			return nil, errByHand
		}
		line := lines[value.Line-1]
		comment := ""
		if c := value.LineComment; c != "" {
			comment = " " + c
		}
		lines[value.Line-1] = line[:value.Column-1] + quoteYAML(values[i][1]) + comment
	}
	return lines, nil
}
