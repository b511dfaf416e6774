package policyfile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ssmguard/internal/safetext"
)

// noValue is what AWS::NoValue stands for: the property is not there.
type noValue struct{}

// resolve returns a value of a template with its functions applied, and the names
// of what is not certain before the template is deployed. A value that is not there is
// nil.
func (r *stackReader) resolve(v any, res stackResource) (plain any, unknown []string) {
	s := substitution{stack: r, iam: strings.HasPrefix(res.Type, "AWS::IAM::") || strings.HasPrefix(res.Type, "AWS::Serverless::")}
	plain = s.value(v)
	if plain == (noValue{}) {
		plain = nil
	}
	slices.Sort(s.unknown)
	return plain, slices.Compact(s.unknown)
}

// stackPseudo are the parameters that every template has and that can be stated.
var stackPseudo = []string{"AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::StackName", "AWS::URLSuffix"}

// holds returns whether a condition of the template holds, and the names of what is not
// certain before the template is deployed.
func (r *stackReader) holds(name string) (holds bool, unknown []string) {
	s := substitution{stack: r}
	holds = s.condition(name)
	return holds, s.unknown
}

// deepestCondition bounds how conditions refer to each other.
const deepestCondition = 20

// condition evaluates a condition by its name.
func (s *substitution) condition(name string) bool {
	written, ok := s.stack.conditions[name]
	if !ok || s.depth == deepestCondition {
		s.lack("the condition " + name)
		return false
	}
	before := len(s.unknown)
	s.depth++
	holds := s.logic(written)
	s.depth--
	if len(s.unknown) > before {
		s.unknown = s.unknown[:before]
		s.lack("the condition " + name)
	}
	return holds
}

// logic evaluates what is written of a condition.
func (s *substitution) logic(v any) bool {
	m, _ := v.(map[string]any)
	if len(m) == 1 {
		for name, argument := range m {
			list, _ := argument.([]any)
			switch {
			case name == "Condition":
				other, _ := argument.(string)
				return s.condition(other)
			case name == "Fn::Equals" && len(list) == 2:
				return fmt.Sprint(s.value(list[0])) == fmt.Sprint(s.value(list[1]))
			case name == "Fn::Not" && len(list) == 1:
				return !s.logic(list[0])
			case (name == "Fn::And" || name == "Fn::Or") && len(list) > 0:
				every, one := true, false
				for _, e := range list {
					holds := s.logic(e)
					every, one = every && holds, one || holds
				}
				return name == "Fn::And" && every || name == "Fn::Or" && one
			}
		}
	}
	s.lack("a condition")
	return false
}

// unknownIn returns the names of what a value turns on.
func (r *stackReader) unknownIn(v any) []string {
	if _, unknown := r.resolve(v, stackResource{}); len(unknown) > 0 {
		return unknown
	}
	return []string{"what is not a policy"}
}

// substitution applies the functions of a template.
type substitution struct {
	stack   *stackReader
	iam     bool // the stack's account is the caller's, as the resource belongs to the caller
	unknown []string
	depth   int // of conditions within conditions
}

// value returns a value with what is certain put in.
func (s *substitution) value(v any) any {
	switch at := v.(type) {
	case []any:
		list := []any{}
		for _, e := range at {
			if e := s.value(e); e != (noValue{}) {
				list = append(list, e)
			}
		}
		return list
	case map[string]any:
		if len(at) == 1 {
			for name, argument := range at {
				if name == "Ref" || strings.HasPrefix(name, "Fn::") {
					return s.function(name, argument)
				}
			}
		}
		m := make(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(at)) {
			if e := s.value(at[name]); e != (noValue{}) {
				m[name] = e
			}
		}
		return m
	case string:
		if strings.Contains(at, "{{resolve:") {
			return s.lack(at)
		}
	}
	return v
}

// lack notes that something is not certain.
func (s *substitution) lack(name string) any {
	s.unknown = append(s.unknown, safetext.Line(name))
	return ""
}

// function applies one function.
func (s *substitution) function(name string, argument any) any {
	list, _ := argument.([]any)
	switch name {
	case "Ref":
		id, _ := argument.(string)
		return s.ref(id)
	case "Fn::Sub":
		return s.sub(argument)
	case "Fn::Join":
		if len(list) == 2 {
			separator, _ := s.value(list[0]).(string)
			return s.join(separator, list[1])
		}
	case "Fn::Select":
		if len(list) == 2 {
			i, err := strconv.Atoi(fmt.Sprint(list[0]))
			from, ok := s.value(list[1]).([]any)
			if err == nil && ok && i >= 0 && i < len(from) {
				return from[i]
			}
		}
	case "Fn::Split":
		if len(list) == 2 {
			separator, ok := list[0].(string)
			text, whole := s.value(list[1]).(string)
			if ok && whole && separator != "" {
				parts := []any{}
				for _, p := range strings.Split(text, separator) {
					parts = append(parts, p)
				}
				return parts
			}
		}
	case "Fn::FindInMap":
		if len(list) == 3 {
			var at any = s.stack.mappings
			for _, key := range list {
				name, _ := s.value(key).(string)
				m, _ := at.(map[string]any)
				at = m[name]
			}
			if at != nil {
				return at
			}
		}
	case "Fn::GetAtt":
		if len(list) == 2 {
			argument = fmt.Sprintf("%v.%v", list[0], list[1])
		}
		return s.lack(fmt.Sprint(argument))
	case "Fn::If":
		if len(list) == 3 {
			name, _ := list[0].(string)
			before := len(s.unknown)
			holds := s.condition(name)
			switch {
			case len(s.unknown) > before:
				return ""
			case holds:
				return s.value(list[1])
			}
			return s.value(list[2])
		}
	case "Fn::ImportValue":
		return s.lack("a value imported from another stack")
	}
	return s.lack(name)
}

// ref returns what a Ref stands for.
func (s *substitution) ref(name string) any {
	caller := s.stack.in.Caller
	value, stated := s.stack.in.Parameters[name]
	kind := s.stack.parameters[name].Type
	switch {
	case strings.HasPrefix(kind, fromStore): // what is given is where the value stands
		return s.lack(name)
	case stated && strings.Contains(kind, "List"):
		list := []any{}
		for _, e := range strings.Split(value, ",") {
			list = append(list, strings.TrimSpace(e))
		}
		return list
	case stated:
		return value
	case name == "AWS::NoValue":
		return noValue{}
	case name == "AWS::Partition" && caller.Partition != "":
		return caller.Partition
	case name == "AWS::URLSuffix" && (caller.Partition == "aws" || caller.Partition == "aws-us-gov"):
		return "amazonaws.com"
	case name == "AWS::URLSuffix" && caller.Partition == "aws-cn":
		return "amazonaws.com.cn"
	case name == "AWS::AccountId" && caller.Account != "" && s.iam:
		return caller.Account
	}
	return s.lack(name)
}

// sub puts values into a text: ${Name}, ${Name.Attribute}, and ${!Literal}, which
// stays as ${Literal}.
func (s *substitution) sub(argument any) any {
	text, _ := argument.(string)
	own := make(map[string]any)
	if list, ok := argument.([]any); ok && len(list) == 2 {
		text, _ = list[0].(string)
		own, _ = list[1].(map[string]any)
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return s.lack("Fn::Sub")
		}
		text = after
		name = strings.TrimSpace(name)
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			b.WriteString("${" + literal + "}")
			continue
		}
		v, ok := own[name]
		if ok {
			v = s.value(v)
		} else {
			v = s.ref(name)
		}
		if _, list := v.([]any); list {
			v = s.lack(name)
		}
		b.WriteString(fmt.Sprint(v))
	}
}

// join joins the texts of a list.
func (s *substitution) join(separator string, v any) any {
	list, ok := s.value(v).([]any)
	if !ok {
		return s.lack("Fn::Join")
	}
	var texts []string
	for _, e := range list {
		texts = append(texts, fmt.Sprint(e))
	}
	return strings.Join(texts, separator)
}
