package guard

import (
	"fmt"
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// KeyRegion is the condition key of the region that a call is sent to.
const KeyRegion = "aws:RequestedRegion"

// anyRegion stands in ARNs for a region that nobody stated: as a pattern of a policy it
// covers whichever it is.
const anyRegion = "*"

// regions has the regions of each partition, opt-in regions included; the first few are
// those in which most accounts have something.
// docs.aws.amazon.com/general/latest/gr/ssm.html
var regions = map[string]string{
	"aws": `us-east-1 us-west-2 us-east-2 eu-west-1 eu-central-1 eu-west-2 ap-southeast-2 ap-northeast-1 ap-southeast-1 ca-central-1
		us-west-1 af-south-1 ap-east-1 ap-east-2 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-3 ap-southeast-4
		ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-west-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-3
		il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1`,
	"aws-cn":     "cn-north-1 cn-northwest-1",
	"aws-us-gov": "us-gov-west-1 us-gov-east-1",
	"aws-iso":    "us-iso-east-1 us-iso-west-1",
	"aws-iso-b":  "us-isob-east-1 us-isob-west-1",
	"aws-iso-e":  "eu-isoe-west-1",
	"aws-iso-f":  "us-isof-south-1 us-isof-east-1",
	"aws-eusc":   "eusc-de-east-1",
}

// Regions returns the regions of a partition, the likelier ones first; none for a
// partition that is not known.
func Regions(partition string) []string { return strings.Fields(regions[partition]) }

// publicPartitions are those that anyone can have an account in.
var publicPartitions = []string{"aws", "aws-us-gov", "aws-cn"}

// IsPublic reports whether anyone can have an account in a partition.
func IsPublic(partition string) bool { return slices.Contains(publicPartitions, partition) }

// PublicRegions returns the regions of the partitions that are public, sorted.
func PublicRegions() (all []string) {
	for _, partition := range publicPartitions {
		all = append(all, Regions(partition)...)
	}
	slices.Sort(all)
	return all
}

// PartitionOf returns the partition that a region is in.
func PartitionOf(region string) string {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}

// Regionless reports whether it is not known in which region a grant is asked for.
func (g Grant) Regionless() bool {
	return ArnField(g.Resource, FieldRegion) == anyRegion && !g.knows(KeyRegion)
}

func (g Grant) knows(key string) bool {
	_, _, state := g.Context.Lookup(key)
	return state == policy.KeyKnown
}

// In returns a grant as it is asked for in a region.
func (g Grant) In(region string) Grant {
	fields := strings.SplitN(g.Resource, ":", 6)
	if len(fields) == 6 && fields[FieldRegion] != "" {
		fields[FieldRegion] = region
		g.Resource = strings.Join(fields, ":")
	}
	g.Context.Set(KeyRegion, region)
	return g
}

// Places returns a regionless grant in one region of each kind that the policies tell
// apart. Their verdicts together are those of all regions.
func (g Grant) Places(set policy.Set) []Grant {
	telling, named, whole := regional(set, g)
	partition := ArnField(g.Resource, FieldPartition)
	all := Regions(partition)
	for _, region := range slices.Backward(named) {
		if PartitionOf(region) != partition {
			continue
		}
		all = append([]string{region}, slices.DeleteFunc(all, func(r string) bool { return r == region })...)
	}
	if len(all) == 0 {
		all = []string{"us-east-1"} // of a partition that is not known: policies name none in it
	}
	if len(telling) == 0 && !whole {
		return []Grant{g.In(all[0])}
	}
	var places []Grant
	seen := make(map[string]bool)
	for _, region := range all {
		place := g.In(region)
		kind := region
		if !whole {
			kind = kindOf(place, telling)
		}
		if !seen[kind] {
			seen[kind] = true
			places = append(places, place)
		}
	}
	return places
}

// kindOf writes what some statements make of a place: two places of one kind have the
// same verdict.
func kindOf(place Grant, telling []*policy.Statement) string {
	var b strings.Builder
	for _, s := range telling {
		fmt.Fprintf(&b, "%t", s.MatchesResource(place.Resource, place.Context))
		for _, u := range s.Unmet(place.Context) {
			if strings.EqualFold(u.Key, KeyRegion) {
				fmt.Fprintf(&b, " %s %q", u.Operator, u.Values)
			}
		}
		b.WriteByte(';')
	}
	return b.String()
}

// regional returns the statements on a grant's action that tell regions apart, by their
// ARNs or conditions, and the regions that they name. The region itself may stand in
// them as a variable: then every region is one of its own.
func regional(set policy.Set, g Grant) (telling []*policy.Statement, named []string, whole bool) {
	note := func(region string) bool {
		if strings.Contains(region, "-") && IsRegion(region) && !slices.Contains(named, region) {
			named = append(named, region)
		}
		return region != anyRegion
	}
	variable := func(text string) bool { return strings.Contains(strings.ToLower(text), "${aws:requestedregion") }
	set.Root = false // LayersOf leaves out what bears on root by Deny statements alone
	for _, l := range LayersOf(set) {
		for i := range l.Statements {
			s := &l.Statements[i]
			if !s.MatchesAction(g.Action) {
				continue
			}
			tells := false
			for _, pattern := range slices.Concat(s.Resources(), s.NotResources()) {
				whole = whole || variable(pattern)
				if pattern != "*" {
					tells = note(ArnField(pattern, FieldRegion)) || tells
				}
			}
			for _, c := range s.Conditions() {
				whole = whole || slices.ContainsFunc(c.Values, variable)
				if strings.EqualFold(c.Key, KeyRegion) {
					tells = true
					for _, value := range c.Values {
						note(value)
					}
				}
			}
			if tells {
				telling = append(telling, s)
			}
		}
	}
	return telling, named, whole
}

// anywhere evaluates a regionless grant in every region that the policies tell apart. What
// is the same in all of them is the answer; else it turns on the region.
func anywhere(set policy.Set, g Grant) policy.Answer {
	places := g.Places(set)
	all := set.Evaluate(places[0].Action, places[0].Resource, places[0].Context)
	same := true
	for _, place := range places[1:] {
		a := set.Evaluate(place.Action, place.Resource, place.Context)
		same = same && a.Verdict == all.Verdict && slices.Equal(a.DependsOn, all.DependsOn)
		all = common(all, a)
	}
	if !same && !slices.Contains(all.DependsOn, KeyRegion) && all.Verdict == policy.Unknown {
		all.DependsOn = append([]string{KeyRegion}, all.DependsOn...)
	}
	return all
}

// common is what two answers to one request in two regions say both.
func common(a, b policy.Answer) policy.Answer {
	for _, on := range b.DependsOn {
		if !slices.Contains(a.DependsOn, on) {
			a.DependsOn = append(slices.Clone(a.DependsOn), on)
		}
	}
	if a.Verdict != b.Verdict {
		a.Verdict, a.By = policy.Unknown, nil
	}
	a.By = union(a.By, b.By)
	a.Layers = slices.Clone(a.Layers)
	for i := range a.Layers {
		la := &a.Layers[i]
		for _, lb := range b.Layers {
			if lb.Layer != la.Layer || lb.Level != la.Level {
				continue
			}
			la.By = union(la.By, lb.By)
			if la.Verdict != lb.Verdict {
				la.Verdict, la.By = policy.Unknown, nil
			}
		}
	}
	return a
}

// union returns the positions that are in one of two lists.
func union(a, b []policy.Pos) []policy.Pos {
	for _, at := range b {
		if !slices.Contains(a, at) {
			a = append(slices.Clone(a), at)
		}
	}
	return a
}

// AllRegions returns the regions of all partitions, sorted.
func AllRegions() []string {
	var all []string
	for partition := range regions {
		all = append(all, Regions(partition)...)
	}
	slices.Sort(all)
	return all
}
