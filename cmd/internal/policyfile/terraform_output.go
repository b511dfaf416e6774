package policyfile

import (
	"fmt"
	"slices"
	"strings"

	"ssmguard/internal/safetext"
)

// terraformOutput is what is read of `terraform show -json`: a state, or a plan
// with what it will bring and what it has read already.
type terraformOutput struct {
	Values        terraformValues `json:"values"`
	PlannedValues terraformValues `json:"planned_values"`
	PriorState    struct {
		Values terraformValues `json:"values"`
	} `json:"prior_state"`
	Changes  []terraformResource `json:"resource_changes"`
	Deferred []struct {
		Change terraformResource `json:"resource_change"`
	} `json:"deferred_changes"`
	Configuration struct {
		Root terraformConfig `json:"root_module"`
	} `json:"configuration"`
	Errored  bool       `json:"errored"`
	Relevant []struct { // what other resources refer to, from within dynamic blocks too
		Resource  string `json:"resource"`
		Attribute []any  `json:"attribute"`
	} `json:"relevant_attributes"`
}

type terraformValues struct {
	Root terraformModule `json:"root_module"`
}

type terraformModule struct {
	Resources []terraformResource `json:"resources"`
	Children  []terraformModule   `json:"child_modules"`
}

type terraformResource struct {
	Address  string         `json:"address"`
	Previous string         `json:"previous_address"`
	Mode     string         `json:"mode"`
	Type     string         `json:"type"`
	Values   map[string]any `json:"values"`
	Change   struct {
		Actions []string       `json:"actions"`
		Before  map[string]any `json:"before"`
		After   map[string]any `json:"after"`
		Unknown any            `json:"after_unknown"` // shaped like After, with true for what is known only after apply
	} `json:"change"`
}

// terraformConfig is a module as it is written, its resources named without the
// module and without an index.
type terraformConfig struct {
	Resources []terraformWritten `json:"resources"`
	Calls     map[string]struct {
		Expressions map[string]any  `json:"expressions"`
		Module      terraformConfig `json:"module"`
	} `json:"module_calls"`
	Outputs map[string]struct {
		Expression map[string]any `json:"expression"`
	} `json:"outputs"`
}

// terraformWritten is a resource as it is written.
type terraformWritten struct {
	Address     string         `json:"address"`
	Type        string         `json:"type"`
	Expressions map[string]any `json:"expressions"`
	ForEach     map[string]any `json:"for_each_expression"`
}

// resources returns each resource once, as it will be: with the planned values, and
// with what is not known of them. The prior state counts where the plan says nothing
// of a resource, as with -target and -refresh-only. A resource that Terraform forgets
// stays as it is.
func (out *terraformOutput) resources() []terraformResource {
	changes := make(map[string]terraformResource)
	planned := make(map[string]bool)
	for _, c := range out.Changes {
		planned[c.Address], planned[c.Previous] = true, true
		if c.Change.After != nil || c.Change.Unknown == true {
			changes[c.Address] = c
		}
	}
	var list []terraformResource
	known := make(map[string]bool)
	add := func(r terraformResource) {
		if r.Address == "" { // of a program that is not Terraform
			r.Address = fmt.Sprintf("resource %d, without an address", len(list)+1)
		}
		if known[r.Address] {
			return
		}
		known[r.Address] = true
		if c, ok := changes[r.Address]; ok {
			r.Change = c.Change
		}
		r.Address = safetext.Line(r.Address)
		list = append(list, r)
	}
	for _, r := range slices.Concat(out.Values.Root.all(), out.PlannedValues.Root.all()) {
		add(r)
	}
	for _, r := range out.PriorState.Values.Root.all() {
		if r.Address == "" || !planned[r.Address] {
			add(r)
		}
	}
	for _, c := range out.Changes {
		if slices.Contains(c.Change.Actions, "forget") {
			add(terraformResource{Address: c.Address + " (forgotten)", Mode: c.Mode, Type: c.Type, Values: c.Change.Before})
		}
		if len(c.Change.Actions) != 1 || c.Change.Actions[0] != "delete" && c.Change.Actions[0] != "forget" {
			c.Values = c.Change.After
			add(c)
		}
	}
	for _, d := range out.Deferred {
		d.Change.Values, d.Change.Change.Unknown = nil, true
		add(d.Change)
	}
	// Documents come first: a policy made of one is then named by it.
	slices.SortStableFunc(list, func(a, b terraformResource) int { return strings.Compare(a.Mode, b.Mode) })
	return list
}

// all returns the resources of a module and of those below it.
func (m terraformModule) all() []terraformResource {
	resources := slices.Clone(m.Resources)
	for _, child := range m.Children {
		resources = append(resources, child.all()...)
	}
	return resources
}
